using System.Collections.Immutable;
using System.Security.Cryptography;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// The embedded default, for nodes on one machine: a directory that all of them share (a local file system).
/// <list type="bullet">
/// <item><c>record.json</c>: the <see cref="ElectionRecord"/>, replaced atomically under <c>mutate.lock</c>.</item>
/// <item><c>candidate.lock</c>: held by the candidate, and after <c>execve</c> by the server that it became, so that the
/// kernel says whether the candidate lives.</item>
/// <item><c>evidence/NODE.json</c> and <c>.lock</c>: what a node found on its disk, and that its bootstrap lives.</item>
/// </list>
/// </summary>
public sealed class FileElectionBackend : IElectionBackend, IGroupRecord
{
    private const string RecordFile = "record.json";
    private readonly string _directory;
    private readonly string _evidence;
    private ProcessLock? _mine;
    private ProcessLock? _candidate;

    /// <summary>Uses (and creates) <paramref name="directory"/>.</summary>
    /// <exception cref="IOException">It can't be created.</exception>
    public FileElectionBackend(string directory)
    {
        _directory = Path.GetFullPath(directory);
        _evidence = Path.Combine(_directory, "evidence");
        Directory.CreateDirectory(_evidence);
    }

    /// <inheritdoc />
    public string Description => "file:" + _directory;

    /// <inheritdoc />
    public int? InheritedDescriptor => _candidate?.Descriptor;

    /// <inheritdoc />
    public async Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation)
    {
        try
        {
            var (record, version, why) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (record is null) return new ElectionObservation.Unavailable($"{RecordFile}: {why}");
            if (!Publish(mine))
                return new ElectionObservation.Unavailable($"another live process publishes evidence as {mine.Node}: node names must differ");
            return new ElectionObservation.Known(new ElectionView
            {
                Record = record,
                Version = version,
                CandidateAlive = CandidateAlive(),
                Evidence = await ReadEvidenceAsync(mine, cancellation).ConfigureAwait(false),
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ElectionObservation.Unavailable(e.Message);
        }
    }

    /// <inheritdoc />
    public async Task<ClaimOutcome> ClaimAsync(ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation)
    {
        try
        {
            // First the lock that says "the candidate lives", then the record: the other way round, a reader could see the new
            // candidate as dead.
            _candidate ??= ProcessLock.Open(Path.Combine(_directory, "candidate.lock"));
            if (!_candidate.TryAcquire()) return GiveUp("another candidate lives");
            var next = decidedOn.Record.Claimed(mine, decidedOn.HighestTerm, word);
            return await SwapAsync(decidedOn.Version, next, cancellation).ConfigureAwait(false)
                ? new ClaimOutcome.Won(next.Term)
                : GiveUp("the record changed meanwhile");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _ = GiveUp("");
            return new ClaimOutcome.Unavailable(e.Message);
        }
    }

    /// <inheritdoc />
    public async Task<ElectionObservation> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var (record, version, why) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (record is null) return new ElectionObservation.Unavailable($"{RecordFile}: {why}");
            return new ElectionObservation.Known(new ElectionView { Record = record, Version = version, Evidence = await ReadEvidenceAsync(null, cancellation).ConfigureAwait(false) });
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
            if (record is null) return new ClaimOutcome.Unavailable($"{RecordFile}: {why}");
            if (record.Reported(report) is not { } next)
                return new ClaimOutcome.Lost($"the record says something later: {record.LastServing?.Node} serves under {record.LastServing?.Token}, term {record.Term}");
            return await SwapAsync(version, next, cancellation).ConfigureAwait(false) ? new ClaimOutcome.Won(next.Term) : new ClaimOutcome.Lost("the record changed meanwhile");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ClaimOutcome.Unavailable(e.Message);
        }
    }

    /// <inheritdoc />
    public Task<string?> AllowEmptyStartAsync(CancellationToken cancellation) =>
        SayAsync(PersonsWordPolicy.AgainstAllowEmpty, view => view.Record with { EmptyStartAllowedInTerm = view.Record.Term }, cancellation);

    /// <inheritdoc />
    public Task<string?> TrustAsync(string node, CancellationToken cancellation) =>
        SayAsync(view => PersonsWordPolicy.AgainstTrust(view, node), view => view.Record.Trusting(node, view.HighestTerm), cancellation);

    /// <inheritdoc />
    public void Dispose()
    {
        _mine?.Dispose();
        _candidate?.Dispose();
        (_mine, _candidate) = (null, null);
    }

    private async Task<string?> SayAsync(Func<ElectionView, string?> against, Func<ElectionView, ElectionRecord> next, CancellationToken cancellation) =>
        await ReadAsync(cancellation).ConfigureAwait(false) switch
        {
            ElectionObservation.Known { View: var view } when against(view) is { } refusal => refusal,
            ElectionObservation.Known { View: var view } => await SwapAsync(view.Version, next(view), cancellation).ConfigureAwait(false) ? null : "the record changed meanwhile; try again",
            ElectionObservation.Unavailable unavailable => unavailable.Why,
            _ => throw new InvalidOperationException("unknown outcome"),
        };

    private ClaimOutcome.Lost GiveUp(string why)
    {
        _candidate?.Dispose();
        _candidate = null;
        return new ClaimOutcome.Lost(why);
    }

    private bool CandidateAlive()
    {
        if (_candidate is not null) return true; // ours; opening the file anew and closing it would drop the lock
        using var candidate = ProcessLock.Open(Path.Combine(_directory, "candidate.lock"));
        return candidate.IsHeldByAnother();
    }

    private bool Publish(CandidateEvidence mine)
    {
        if (_mine is not null)
        {
            Write();
            return true;
        }

        var claim = ProcessLock.Open(EvidencePath(mine.Node, ".lock"));
        if (!claim.IsHeldByAnother())
        {
            // Before the lock: it says that the evidence is of a living process, and what lies there is of one that has ended.
            Write();
            if (claim.TryAcquire())
            {
                _mine = claim;
                return true;
            }
        }

        claim.Dispose();
        return false;

        // Not synced: evidence counts while this process lives only.
        void Write() => AtomicFile.Write(EvidencePath(mine.Node, ".json"), ElectionDocuments.Write(mine), durable: false);
    }

    private async Task<ImmutableArray<CandidateEvidence>> ReadEvidenceAsync(CandidateEvidence? mine, CancellationToken cancellation)
    {
        var all = ImmutableArray.CreateBuilder<CandidateEvidence>();
        if (mine is not null) all.Add(mine with { Live = true });
        foreach (var path in Directory.EnumerateFiles(_evidence, "*.json").Order(StringComparer.Ordinal))
        {
            if (mine is not null && path == EvidencePath(mine.Node, ".json")) continue;
            // Liveness before content: a process that dies in between leaves evidence marked live for one round only.
            var live = IsHeld(Path.ChangeExtension(path, ".lock"));
            var bytes = ReadBounded(path);
            if (bytes is not null && ElectionDocuments.TryRead(bytes, out CandidateEvidence? evidence)) all.Add(evidence! with { Live = live });
        }

        return all.ToImmutable();
    }

    private async Task<(ElectionRecord? Record, string Version, string Why)> ReadRecordAsync(CancellationToken cancellation)
    {
        var bytes = ReadBounded(Path.Combine(_directory, RecordFile));
        if (bytes is null) return (new ElectionRecord(), "", "");
        // A torn or foreign record is never taken for "no record": that would restart the terms.
        return ElectionDocuments.TryRead(bytes, out ElectionRecord record, out var why) ? (record, Version(bytes), "") : (null, "", why);
    }

    private async Task<bool> SwapAsync(string expectedVersion, ElectionRecord next, CancellationToken cancellation)
    {
        using var mutate = ProcessLock.Open(Path.Combine(_directory, "mutate.lock"));
        if (!mutate.TryAcquire()) return false;
        var (record, version, _) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
        if (record is null || version != expectedVersion) return false;
        AtomicFile.Write(Path.Combine(_directory, RecordFile), ElectionDocuments.Write(next));
        return true;
    }

    private string EvidencePath(string node, string extension) => Path.Combine(_evidence, node + extension);

    private static bool IsHeld(string path)
    {
        if (!File.Exists(path)) return false;
        using var claim = ProcessLock.Open(path);
        return claim.IsHeldByAnother();
    }

    private static string Version(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private static byte[]? ReadBounded(string path) => File.Exists(path) ? BoundedFile.Read(path, ElectionDocuments.MaxBytes) : null;
}
