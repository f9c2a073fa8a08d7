using System.Buffers;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// The embedded default, for groups on one machine: <c>epoch.json</c> in the directory that elections are held in. Replaced
/// atomically under a lock on <c>epoch.lock</c>, which the kernel drops with its process.
/// </summary>
/// <param name="directory">Shared by the nodes of the machine, on a local file system; must exist before a write.</param>
public sealed class FileEpochStore(string directory) : IEpochStore
{
    private const int Format = 1;
    private const int MaxBytes = 4096; // ours has a hundred

    /// <inheritdoc/>
    public string Description => "file:" + PathOf;

    private string PathOf => Path.Combine(directory, "epoch.json");

    /// <inheritdoc/>
    public Task<EpochReading> ReadAsync(CancellationToken cancellation) => Task.FromResult(Read());

    /// <inheritdoc/>
    public Task<EpochReading> RaiseAsync(long epoch, RedisEndpoint master, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epoch, EpochKeeperPolicy.MaxEpoch);
        return Task.FromResult(Raise(epoch, master));
    }

    private EpochReading Raise(long epoch, RedisEndpoint master)
    {
        try
        {
            // An exclusive open is a lock between processes and within one; one that is held is asked for again next round.
            using var gate = new FileStream(Path.Combine(directory, "epoch.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var stored = Read();
            if (stored is not EpochReading.Known known || known.Epoch >= epoch) return stored;
            AtomicFile.Write(PathOf, Write(epoch, master));
            return new EpochReading.Known(epoch, master);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new EpochReading.Unavailable($"{PathOf} can't be raised: {e.Message}");
        }
    }

    // A file that is there and can't be read is never taken for "no epoch yet".
    private EpochReading Read()
    {
        try
        {
            return File.Exists(PathOf) ? Parse(BoundedFile.Read(PathOf, MaxBytes)) : new EpochReading.Known(0, null);
        }
        catch (IOException e)
        {
            return new EpochReading.Unavailable(e.Message);
        }
    }

    private EpochReading Parse(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 2 });
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.Number && format.TryGetInt32(out var version) && version >= Format
                && root.TryGetProperty("epoch", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var epoch)
                && epoch is >= 0 and <= EpochKeeperPolicy.MaxEpoch
                && TryMaster(root, out var master))
            {
                return new EpochReading.Known(epoch, master);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Said below: what it is not matters, not how.
        }

        return new EpochReading.Unavailable($"{PathOf} is no epoch of ours");
    }

    private static bool TryMaster(JsonElement root, out RedisEndpoint? master)
    {
        master = null;
        if (!root.TryGetProperty("master", out var text)) return true;
        return text.ValueKind == JsonValueKind.String && RedisEndpoint.TryParse(text.GetString(), 6379, out master);
    }

    private static byte[] Write(long epoch, RedisEndpoint master)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("epoch", epoch);
            json.WriteString("master", master.ToString());
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
