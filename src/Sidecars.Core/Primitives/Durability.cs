namespace Sidecars.Core.Primitives;

/// <summary>What a tenant expects of its disks (<c>DURABILITY</c>).</summary>
public enum Durability
{
    /// <summary>Append-only file, fsync every second. The default.</summary>
    Aof,

    /// <summary>Snapshots only.</summary>
    Rdb,

    /// <summary>A pure cache: disks hold nothing that counts, and an empty group may start at any time.</summary>
    None,
}
