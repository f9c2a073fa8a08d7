using System.Text;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Fuzz.Targets;

internal sealed class MarkerTarget : IFuzzTarget
{
    public string Name => "marker";

    public IReadOnlyList<byte[]> Corpus { get; } = [LineageSamples.Marker, "{}"u8.ToArray(), LineageSamples.Rescue];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "null", "true", "\"history\":[", "{\"format\":2,", "\\ud800", "\xff", "[[[[[[[[[[[[[[[[[[[[", "1e999", "\"token\":\"1.2.3\"", ",",
        "}", "]", "\"", LineageSamples.Id);

    // JsonDocument keeps a copy and 12 bytes a token; an exception with its message comes on top.
    public long AllocationBound(int length) => 64_000 + (40L * length);

    public void Run(byte[] input)
    {
        if (MarkerDocument.Read(input) is not { IsKnown: true, Value: var marker }) return;
        FuzzViolationException.Unless(marker.History.Count <= LineageHistory.MaxEntries, "history is bounded");
        FuzzViolationException.Unless(marker.HighestEpoch >= 0 && marker.Position is not { Offset: < 0 }, "numbers are 0 or more");
        var again = MarkerDocument.Read(MarkerDocument.Write(marker));
        FuzzViolationException.Unless(
            again.Value == marker with { Format = Marker.CurrentFormat }, "what was read reads the same when written");
    }
}

internal sealed class RescueTarget : IFuzzTarget
{
    public string Name => "rescue";

    public IReadOnlyList<byte[]> Corpus { get; } = [LineageSamples.Rescue];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words("null", "\"files\":[", "\\ud800", "..", "/", "-1", "{", "}");

    public long AllocationBound(int length) => 64_000 + (40L * length);

    public void Run(byte[] input)
    {
        if (RescueDocument.Read("name", input) is { IsKnown: true, Value: var rescue })
            FuzzViolationException.Unless(rescue.Files.All(f => f.Length >= 0), "lengths are 0 or more");
    }
}

internal sealed class RdbHeaderTarget : IFuzzTarget
{
    public string Name => "rdb-header";

    public IReadOnlyList<byte[]> Corpus { get; } = [LineageSamples.Dump, LineageSamples.EmptyBase, LineageSamples.Valkey];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words("\xfa", "\xff", "\xc3\x05\x0a", "\x80\x7f\xff\xff\xff",
        "\x81\xff\xff\xff\xff\xff\xff\xff\xff", "repl-id", "repl-offset", "REDIS", "VALKEY");

    public long AllocationBound(int length) => 8_000 + (8L * length);

    public void Run(byte[] input)
    {
        if (RdbHeaderReader.Read(input, input.Length) is { IsKnown: true, Value: var header })
            FuzzViolationException.Unless(
                header.Version > 0 && header.Position is not { Offset: < 0 }, "version above 0, offset 0 or more");
        _ = RdbTail.LooksWhole(input, 10);
        _ = RdbTail.LooksWhole(input, 1);
    }
}

internal sealed class AofManifestTarget : IFuzzTarget
{
    public string Name => "aof-manifest";

    public IReadOnlyList<byte[]> Corpus { get; } = [LineageSamples.Manifest, LineageSamples.Manifest8];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "file ", "seq ", "type i\n", "..", "/", "\\x2f", "\"", "'", "\\", "#", "\n", "\0", " ");

    public long AllocationBound(int length) => 16_000 + (64L * length);

    public void Run(byte[] input)
    {
        if (AofManifestReader.Read(input) is not { IsKnown: true, Value: var manifest }) return;
        foreach (var file in manifest.Loaded.Concat(manifest.History))
            FuzzViolationException.Unless(
                Path.GetFileName(file.Name) == file.Name && file.Name is not ("" or "." or ".."), "names stay in their directory");
    }
}

internal sealed class AofTailTarget : IFuzzTarget
{
    public string Name => "aof-tail";

    public IReadOnlyList<byte[]> Corpus { get; } =
        [LineageSamples.Increment, LineageSamples.Increment[3..], LineageSamples.Increment[..^5]];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "\r\n", "*1\r\n", "$", "$2147483647\r\n", "*2147483647\r\n", "#TS:1\r\n", "#TS:", "$0\r\n\r\n", "\0\0\0\0");

    public long AllocationBound(int length) => 2_000;

    public void Run(byte[] input)
    {
        foreach (var fromStart in (bool[])[true, false])
            FuzzViolationException.Unless(AofTailReader.Read(input, fromStart).LastTimestamp is not < 0, "a time is 0 or more");
    }
}

internal sealed class FencingTokenTarget : IFuzzTarget
{
    public string Name => "fencing-token";

    public IReadOnlyList<byte[]> Corpus { get; } = LineageSamples.Words("0.0.0", "3.17.2", "9223372036854775807.1.0");

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(".", "-", "+", " ", "0");

    public long AllocationBound(int length) => 4_000 + (8L * length);

    public void Run(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        if (FencingToken.TryParse(text, out var token)) FuzzViolationException.Unless(token.ToString() == text, "one token has one text");
    }
}
