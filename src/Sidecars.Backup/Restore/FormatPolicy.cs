using Sidecars.Backup.Archive;

namespace Sidecars.Backup.Restore;

/// <summary>A server, and the format that it writes: it reads that and what is older.</summary>
/// <param name="Name">Product and version.</param>
/// <param name="Writes">Of its own snapshots.</param>
public sealed record TargetServer(string Name, RdbFormat Writes);

/// <summary>Whether the server of a restore's target can load a backup. What is not known is a note, and never a refusal. Pure.</summary>
/// <param name="Refusal">Why it can't; null: nothing says so.</param>
/// <param name="Note">What is not known; null: nothing.</param>
public sealed record FormatPolicy(string? Refusal, string? Note)
{
    private const string Valkey = "VALKEY";

    // The last format that both families write and read; Valkey took numbers from 80 on so as not to meet Redis' own (rdb.h).
    private const int LastCommon = 11;

    /// <summary>Decides.</summary>
    /// <param name="manifest">Of the backup.</param>
    /// <param name="target">Null: it could not be asked.</param>
    /// <param name="why">Why it could not.</param>
    public static FormatPolicy Decide(BackupManifest manifest, TargetServer? target, string why = "")
    {
        var (source, isRdb) = (manifest.Server, manifest.Base?.Name.EndsWith(".rdb", StringComparison.Ordinal) == true);
        if (!isRdb && manifest.Format is null) return new FormatPolicy(null, null); // commands, or nothing
        if (manifest.Format is not { } format)
            return new FormatPolicy(
                null, $"the backup, of {source}, does not say its format: whether the server here can load it shows when it starts");
        if (target is null)
            return new FormatPolicy(null, $"whether the server here can load the backup ({format}, of {source}) is not known: {why}");
        var refused =
            $"backup {manifest.Id} was taken of {source}, in format {format}; the server here is {target.Name}, which reads up to "
                + $"{target.Writes}: it would not start with it; restore to {source} or later";
        if (format.Family == target.Writes.Family) return new FormatPolicy(format.Version > target.Writes.Version ? refused : null, null);
        if (format.Family == Valkey) return new FormatPolicy(refused, null);
        return new FormatPolicy(
            null, format.Version <= LastCommon ? null : $"{target.Name} loads {format}, of {source}, with rdb-version-check relaxed alone");
    }
}
