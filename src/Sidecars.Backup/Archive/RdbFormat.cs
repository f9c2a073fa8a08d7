using System.Globalization;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Archive;

/// <summary>The format of a snapshot, as its first bytes say.</summary>
/// <param name="Family"><c>REDIS</c>, or <c>VALKEY</c> (from Valkey 9 on).</param>
/// <param name="Version">Of that family: Redis 7.0 writes 10, 7.4 and later 12, Valkey 9 writes 80.</param>
public sealed record RdbFormat(string Family, int Version)
{
    /// <summary>Reads the format from the header of a file.</summary>
    public static RdbFormat Of(RdbHeader header) => new(header.Product, header.Version);

    /// <summary>For people.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"RDB {Family} {Version}");
}
