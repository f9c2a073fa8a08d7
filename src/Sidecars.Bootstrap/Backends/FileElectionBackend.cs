using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Backends;

/// <summary>
/// Elections on one machine, in the directory of the group's record. <c>candidate.lock</c> is held by the candidate, and after
/// <c>execve</c> by the server that it became, so that the kernel says whether the candidate lives.
/// </summary>
/// <param name="directory">It is created.</param>
/// <exception cref="IOException">It can't be created.</exception>
public sealed class FileElectionBackend(string directory) : FileGroupRecord(directory), IElectionBackend, IPersonsWords
{
    private ProcessLock? _mine;
    private ProcessLock? _candidate;

    /// <inheritdoc />
    public string Description => "file:" + Folder;

    /// <inheritdoc />
    public int? InheritedDescriptor => _candidate?.Descriptor;

    /// <inheritdoc />
    public async Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation)
    {
        try
        {
            var (record, version, why) = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (record is null) return new ElectionObservation.Unavailable(why);
            if (!Publish(mine))
                return new ElectionObservation.Unavailable(
                    $"another live process publishes evidence as {mine.Node}: node names must differ");
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
    public async Task<ClaimOutcome> ClaimAsync(
        ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation)
    {
        try
        {
            // First the lock that says "the candidate lives", then the record: the other way round, a reader could see the new
            // candidate as dead.
            _candidate ??= ProcessLock.Open(Path.Combine(Folder, "candidate.lock"));
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
    public Task<string?> AllowEmptyStartAsync(CancellationToken cancellation) =>
        SayAsync(
            PersonsWordPolicy.AgainstAllowEmpty, view => view.Record with { EmptyStartAllowedInTerm = view.Record.Term }, cancellation);

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

    private async Task<string?> SayAsync(
        Func<ElectionView, string?> against, Func<ElectionView, ElectionRecord> next, CancellationToken cancellation) =>
        await ReadAsync(cancellation).ConfigureAwait(false) switch
        {
            ElectionObservation.Known { View: var view } when against(view) is { } refusal => refusal,
            ElectionObservation.Known { View: var view } => await SwapAsync(view.Version, next(view), cancellation).ConfigureAwait(false)
                ? null
                : "the record changed meanwhile; try again",
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
        using var candidate = ProcessLock.Open(Path.Combine(Folder, "candidate.lock"));
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
}
