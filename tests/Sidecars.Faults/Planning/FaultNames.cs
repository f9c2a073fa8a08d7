using System.Text;

namespace Sidecars.Faults.Planning;

/// <summary>Names of faults, and what sets kinds apart.</summary>
internal static class FaultNames
{
    /// <summary>All kinds.</summary>
    public static IReadOnlyList<FaultKind> All { get; } = Enum.GetValues<FaultKind>();

    /// <summary>These stay alone in their round: two at once may rightly destroy data (the only disk, or the last room).</summary>
    public static bool StandsAlone(FaultKind kind) => kind is FaultKind.WipeDisk or FaultKind.FillDisk
        or FaultKind.EmptyVolumes or FaultKind.RestoreVolumes
        or FaultKind.ForeignTenant or FaultKind.AddressToTenant or FaultKind.AddressToMaster
        or FaultKind.StepDown or FaultKind.TerminateRedis or FaultKind.ReplacePod or FaultKind.ScaleToZero
        or FaultKind.StrayReplica;

    /// <summary>True where its strength matters.</summary>
    public static bool HasStrength(FaultKind kind) => kind is FaultKind.LosePackets or FaultKind.SlowLink or FaultKind.JumpClock;

    /// <summary><c>kill-redis</c>.</summary>
    public static string Of(FaultKind kind)
    {
        var name = new StringBuilder();
        foreach (var c in kind.ToString())
        {
            if (char.IsUpper(c) && name.Length > 0) name.Append('-');
            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }

    /// <summary>The kind of a name, or null.</summary>
    public static FaultKind? Find(string name) => All.Where(kind => Of(kind) == name).Select(kind => (FaultKind?)kind).FirstOrDefault();
}
