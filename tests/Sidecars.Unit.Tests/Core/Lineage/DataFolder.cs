using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Lineage;

/// <summary>A made data directory; every file gets the time that the test says (seconds after an arbitrary moment).</summary>
internal sealed class DataFolder : IDisposable
{
    public const string Base = "appendonlydir/appendonly.aof.1.base.rdb";
    public const string Increment = "appendonlydir/appendonly.aof.1.incr.aof";
    public const string Manifest = "appendonlydir/appendonly.aof.manifest";
    public const string ManifestText = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    public const string EmptyRdb = "REDIS0010\u00fa\u0008aof-base\u00c0\u0001\u00ff12345678";
    public const string FullRdb = "REDIS0010\u00fa\u0008aof-base\u00c0\u0001\u00fe\u0000\u00ff12345678";
    private const long Epoch = 1_795_000_000;
    private readonly TempFolder _folder = new("data");

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    /// <summary>A dump at a position of id 7, begun at the given second.</summary>
    public static string Dump(int offset, int createdAt) =>
        $"REDIS0010\u00fa\u0005ctime\u000a{Epoch + createdAt}\u00fa\u0007repl-id\u0028"
        + $"{LineageHistoryTests.Id(7)}\u00fa\u000brepl-offset\u0003{offset:000}\u00fe\0\u00ff12345678";

    public DataFolder With(string name, string latin1, int at)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(name))!);
        System.IO.File.WriteAllBytes(File(name), RdbHeaderTests.Latin1(latin1));
        return Touch(name, at);
    }

    /// <summary>A whole AOF of some keys, last written at the given second.</summary>
    public DataFolder WithAof(int at) =>
        With(Base, FullRdb, at - 1).With(Manifest, ManifestText, at - 1).With(Increment, "#TS:5\r\n*1\r\n$4\r\nPING\r\n", at);

    public DataFolder WithMarker(Marker marker, int at)
    {
        Assert.True(new MarkerStore(Path).TryWrite(marker, out _));
        return Touch(".sidecar/state.json", at);
    }

    public DataFolder Touch(string name, int at)
    {
        System.IO.File.SetLastWriteTimeUtc(File(name), DateTimeOffset.FromUnixTimeSeconds(Epoch + at).UtcDateTime);
        return this;
    }

    public DiskEvidence Read(Durability durability) => DiskEvidenceReader.Read(Path, durability);

    public void Dispose() => _folder.Dispose();
}
