using Sidecars.Core.Lineage;

namespace Sidecars.Core.Sentinel;

/// <summary>The kept epoch from and to the bytes of <c>epoch.json</c>, format 1. Unknown members are a newer neighbour's.</summary>
public static class EpochDocument
{
    private const int Format = 1;

    /// <summary>Reads it; null for anything that is not an epoch of ours.</summary>
    public static EpochReading.Known? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (!JsonFacts.TryParse(bytes, out var root, out _)) return null;
        if (root.Integer("format", int.MaxValue) < Format) root.Wrong("format");
        var read = new EpochReading.Known(root.Integer("epoch", EpochReading.MaxEpoch), LineageJson.OptionalAddress(root, "master"));
        return root.Fault is null ? read : null;
    }

    /// <summary>Writes it.</summary>
    public static byte[] Write(EpochReading.Known epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        return JsonText.Object(json =>
        {
            json.WriteNumber("format", Format);
            json.WriteNumber("epoch", epoch.Epoch);
            if (epoch.Master is { } master) json.WriteString("master", master.ToString());
        }).ToArray();
    }
}
