using System.Collections.Immutable;
using System.Security.Cryptography;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// The embedded default, for nodes on one machine: a directory that all of them share (a local file system).
/// <list type="bullet">
/// <item><c>record.json</c>: the <see cref="ElectionRecord"/>, replaced atomically under <c>mutate.lock</c>.</item>
/// <item><c>evidence/NODE.json</c> and <c>.lock</c>: what a node found on its disk, and that its bootstrap lives.</item>
/// </list>
/// Elections are held in the same directory (redis-bootstrap's FileElectionBackend).
/// </summary>
public class FileGroupRecord : IGroupRecord
{
    private const string RecordFile = "record.json";
    private readonly string _evidence;

    /// <summary>Uses (and creates) <paramref name="directory"/>.</summary>
    /// <exception cref="IOException">It can't be created.</exception>
    public FileGroupRecord(string directory)
    {
        Folder = Path.GetFullPath(directory);
        _evidence = Path.Combine(Folder, "evidence");
        Directory.CreateDirectory(_evidence);
    }

    /// <summary>The directory.</summary>
    protected string Folder { get; }

    /// <inheritdoc />
    public async Task<ElectionObservation> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var (record, version, why) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (record is null) return new ElectionObservation.Unavailable(why);
            return new ElectionObservation.Known(new ElectionView
            { Record = record, Version = version, Evidence = await ReadEvidenceAsync(null, cancellation).ConfigureAwait(false) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ElectionObservation.Unavailable(e.Message);
        }
    }

    /// <inheritdoc />
    public async Task<ClaimOutcome> ReportAsync(ServingReport report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(report);
        try
        {
            var (record, version, why) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (record is null) return new ClaimOutcome.Unavailable(why);
            if (record.Reported(report) is not { } next)
                return new ClaimOutcome.Lost(
                    $"the record says something later: {record.LastServing?.Node} serves under {record.LastServing?.Token}, "
                    + $"term {record.Term}");
            return await SwapAsync(version, next, cancellation).ConfigureAwait(false)
                ? new ClaimOutcome.Won(next.Term)
                : new ClaimOutcome.Lost("the record changed meanwhile");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ClaimOutcome.Unavailable(e.Message);
        }
    }

    /// <summary>Reads everybody's evidence.</summary>
    /// <param name="mine">Mine, as it is now; null: I bring none.</param>
    /// <param name="cancellation">Ends it.</param>
    protected async Task<ImmutableArray<CandidateEvidence>> ReadEvidenceAsync(CandidateEvidence? mine, CancellationToken cancellation)
    {
        var all = ImmutableArray.CreateBuilder<CandidateEvidence>();
        if (mine is not null) all.Add(mine with { Live = true });
        foreach (var path in Directory.EnumerateFiles(_evidence, "*.json").Order(StringComparer.Ordinal))
        {
            if (mine is not null && path == EvidencePath(mine.Node, ".json")) continue;
            // Liveness before content: a process that dies in between leaves evidence marked live for one round only.
            var live = IsHeld(Path.ChangeExtension(path, ".lock"));
            var bytes = ReadBounded(path);
            if (bytes is not null && ElectionDocuments.TryRead(bytes, out CandidateEvidence? evidence))
                all.Add(evidence! with { Live = live });
        }

        return all.ToImmutable();
    }

    /// <summary>Reads the record and its version; without a record, why it can't be read.</summary>
    protected async Task<(ElectionRecord? Record, string Version, string Why)> ReadRecordAsync(CancellationToken cancellation)
    {
        var bytes = ReadBounded(Path.Combine(Folder, RecordFile));
        if (bytes is null) return (new ElectionRecord(), "", "");
        // A torn or foreign record is never taken for "no record": that would restart the terms.
        return ElectionDocuments.TryRead(bytes, out ElectionRecord record, out var why)
            ? (record, Version(bytes), "")
            : (null, "", $"{RecordFile}: {why}");
    }

    /// <summary>Writes the next record if this version still stands.</summary>
    protected async Task<bool> SwapAsync(string expectedVersion, ElectionRecord next, CancellationToken cancellation)
    {
        using var mutate = ProcessLock.Open(Path.Combine(Folder, "mutate.lock"));
        if (!mutate.TryAcquire()) return false;
        var (record, version, _) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
        if (record is null || version != expectedVersion) return false;
        AtomicFile.Write(Path.Combine(Folder, RecordFile), ElectionDocuments.Write(next));
        return true;
    }

    /// <summary>Where a node's evidence lies, and its lock.</summary>
    protected string EvidencePath(string node, string extension) => Path.Combine(_evidence, node + extension);

    private static bool IsHeld(string path)
    {
        if (!File.Exists(path)) return false;
        using var claim = ProcessLock.Open(path);
        return claim.IsHeldByAnother();
    }

    private static string Version(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private static byte[]? ReadBounded(string path) => File.Exists(path) ? BoundedFile.Read(path, ElectionDocuments.MaxBytes) : null;
}
