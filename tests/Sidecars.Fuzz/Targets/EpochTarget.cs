using Sidecars.Core.Sentinel;

namespace Sidecars.Fuzz.Targets;

internal sealed class EpochTarget : IFuzzTarget
{
    public string Name => "epoch";

    public IReadOnlyList<byte[]> Corpus { get; } =
        ["""{"format":1,"epoch":7,"master":"10.0.0.1:6379"}"""u8.ToArray(), """{"format":2,"epoch":0}"""u8.ToArray()];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "null", "\"master\":", "\"[fd00::1]:6379\"", "\\ud800", "-1", "1e3", "9007199254740992", "[[", "{", "}", ",");

    public long AllocationBound(int length) => 64_000 + (40L * length);

    public void Run(byte[] input)
    {
        if (EpochDocument.TryRead(input) is not { } known) return;
        FuzzViolationException.Unless(known.Epoch is >= 0 and <= EpochReading.MaxEpoch, "the epoch is in its range");
        FuzzViolationException.Unless(
            EpochDocument.TryRead(EpochDocument.Write(known)) == known, "what was read reads the same when written");
    }
}
