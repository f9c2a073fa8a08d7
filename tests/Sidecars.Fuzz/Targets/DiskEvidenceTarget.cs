using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Fuzz.Targets;

/// <summary>All readers and the policy together: the input replaces one file of a data directory.</summary>
internal sealed class DiskEvidenceTarget : ISlowFuzzTarget, IDisposable
{
    private static readonly (string Path, byte[] Valid)[] Files =
    [
        (".sidecar/state.json", LineageSamples.Marker),
        ("dump.rdb", LineageSamples.Dump),
        ("appendonlydir/appendonly.aof.manifest", LineageSamples.Manifest),
        ("appendonlydir/appendonly.aof.2.base.rdb", LineageSamples.EmptyBase),
        ("appendonlydir/appendonly.aof.2.incr.aof", LineageSamples.Increment),
    ];

    private readonly Lazy<string> _folder = new(() => Directory.CreateTempSubdirectory("sidecars-fuzz-").FullName);

    public DiskEvidenceTarget() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();

    public string Name => "disk-evidence";

    public IReadOnlyList<byte[]> Corpus { get; } = [.. Files.Select(f => f.Valid), []];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words("\r\n", "\xff", "\xfa", "file ", "{", "#TS:");

    public long AllocationBound(int length) => 1_000_000 + (100L * length);

    public void Run(byte[] input)
    {
        var hit = input.Length == 0 ? 0 : (input[0] + input.Length) % Files.Length;
        foreach (var (path, valid) in Files)
        {
            var file = Path.Combine(_folder.Value, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, path == Files[hit].Path ? input : valid);
        }

        foreach (var durability in Enum.GetValues<Durability>())
        {
            var evidence = DiskEvidenceReader.Read(_folder.Value, durability);
            FuzzViolationException.Unless(evidence.IsIntact || evidence.Position is null, "no position without intact data");
            FuzzViolationException.Unless(
                evidence.State == DataState.Suspect == (evidence.Reason != SuspectReason.None), "suspect exactly where there is a reason");
        }
    }

    public void Dispose()
    {
        if (_folder.IsValueCreated && Directory.Exists(_folder.Value)) Directory.Delete(_folder.Value, recursive: true);
    }
}
