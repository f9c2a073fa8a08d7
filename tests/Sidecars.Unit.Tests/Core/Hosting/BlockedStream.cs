using System.Text;
using System.Text.Json;

namespace Sidecars.Unit.Tests.Core.Hosting;

/// <summary>A pipe as the log's writer sees it, whose reader may be away.</summary>
internal sealed class BlockedStream : MemoryStream
{
    private readonly ManualResetEventSlim _open = new(true);

    public int Failures { get; set; }

    public void Block() => _open.Reset();

    public void Open() => _open.Set();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _open.Wait();
        if (Failures-- > 0) throw new IOException("no space left on device");
        lock (_open) base.Write(buffer);
    }

    public string Text()
    {
        lock (_open) return Encoding.UTF8.GetString(ToArray());
    }

    public IReadOnlyList<string> Events() =>
        [.. Text().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!)];
}
