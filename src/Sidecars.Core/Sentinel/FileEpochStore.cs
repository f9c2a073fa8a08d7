using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// The embedded default, for groups on one machine: <c>epoch.json</c> in the directory that elections are held in. Replaced
/// atomically under a lock on <c>epoch.lock</c>, which the kernel drops with its process.
/// </summary>
/// <param name="directory">Shared by the nodes of the machine, on a local file system; must exist before a write.</param>
public sealed class FileEpochStore(string directory) : IEpochStore
{
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
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epoch, EpochReading.MaxEpoch);
        return Task.FromResult(Raise(epoch, master));
    }

    private EpochReading Raise(long epoch, RedisEndpoint master)
    {
        try
        {
            // One that is held is asked for again next round.
            using var gate = FileLock.Take(Path.Combine(directory, "epoch.lock"));
            var stored = Read();
            if (stored is not EpochReading.Known known || known.Epoch >= epoch) return stored;
            var raised = new EpochReading.Known(epoch, master);
            AtomicFile.Write(PathOf, EpochDocument.Write(raised));
            return raised;
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
            if (!File.Exists(PathOf)) return new EpochReading.Known(0, null);
            return EpochDocument.TryRead(BoundedFile.Read(PathOf, MaxBytes)) is { } known
                ? known
                : new EpochReading.Unavailable($"{PathOf} is not an epoch of ours");
        }
        catch (IOException e)
        {
            return new EpochReading.Unavailable(e.Message);
        }
    }
}
