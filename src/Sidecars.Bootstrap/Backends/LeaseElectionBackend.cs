using System.Text;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Bootstrap.Backends;

/// <summary>
/// Elections through Leases of the cluster's API server. Not safe for concurrent use.
/// <para>A <em>round</em> makes evidence new: each process that comes to an election opens one (a nonce in the record) unless it saw
/// another do so, and evidence counts only with that nonce and the UID of a pod that the API server knows and does not delete.
/// So everything that is counted was read from a disk after this process began to look.</para>
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="store">The group's Leases.</param>
/// <param name="podName">
/// This pod, <c>NAME-ORDINAL</c>; the others have the ordinals below <paramref name="redisCount"/>, or above it while a group grows or
/// shrinks.
/// </param>
/// <param name="redisCount">How many Redis nodes there should be.</param>
/// <param name="time">Monotonic, to judge the candidate's Lease.</param>
public sealed class LeaseElectionBackend(KubernetesClient client, GroupLeaseStore store, string podName, int redisCount, TimeProvider time)
    : LeaseGroupRecord(client, store, podName, redisCount), IElectionBackend, IPersonsWords
{
    /// <summary>15 s, client-go's default: a candidate that was chosen and neither serves nor renews for so long is given up.</summary>
    public static readonly TimeSpan CandidateLease = TimeSpan.FromSeconds(15);

    private const int RoundTries = 3; // one for each node of the usual three that opens a round in the same moment

    private readonly LeaseTracker _tracker = new(time.TimestampFrequency, CandidateLease);
    private string? _staleRound;
    private bool _hasLooked;
    private string? _published;
    private long _renewedAt;

    /// <inheritdoc />
    public string Description => "lease:" + Store.LeaseName;

    /// <inheritdoc />
    public int? InheritedDescriptor => null;

    /// <inheritdoc />
    public async Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < RoundTries; attempt++)
        {
            var read = await ReadRecordAsync(cancellation).ConfigureAwait(false);
            if (read.Why is { } why) return new ElectionObservation.Unavailable(why);
            var record = read.Record!;
            var (alive, doubt) = await IsCandidateAliveAsync(record, mine, cancellation).ConfigureAwait(false);
            if (doubt is not null) return new ElectionObservation.Unavailable(doubt);
            if (!_hasLooked || alive) _staleRound = record.Round;
            _hasLooked = true;
            if (alive)
            {
                await RenewAsync(record, mine, cancellation).ConfigureAwait(false);
                return await ViewAsync(record, mine, alive, cancellation).ConfigureAwait(false);
            }

            if (record.Round is not null && record.Round != _staleRound)
                return await TestifyAsync(record, mine, cancellation).ConfigureAwait(false);
            if (await OpenRoundAsync(record, cancellation).ConfigureAwait(false) is { } refused)
                return new ElectionObservation.Unavailable(refused);
        }

        return new ElectionObservation.Unavailable("several nodes open a round in the same moment; again");
    }

    /// <inheritdoc />
    public async Task<ClaimOutcome> ClaimAsync(
        ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation)
    {
        if (decidedOn.Version != Version) return new ClaimOutcome.Lost("the record was read again meanwhile");
        var next = decidedOn.Record.Claimed(mine, decidedOn.HighestTerm, word);
        var outcome = await WriteAsync(next, mine.Uid, CandidateLease, cancellation).ConfigureAwait(false);
        if (outcome is not ClaimOutcome.Unavailable) return outcome;
        // Perhaps written: nobody else writes this incarnation.
        var again = await ReadRecordAsync(cancellation).ConfigureAwait(false);
        return again.Record is { } record && record.CandidateIncarnation == mine.Incarnation ? new ClaimOutcome.Won(record.Term) : outcome;
    }

    /// <inheritdoc />
    public Task<string?> AllowEmptyStartAsync(CancellationToken cancellation) =>
        SayAsync(
            PersonsWordPolicy.AgainstAllowEmpty, view => view.Record with { EmptyStartAllowedInTerm = view.Record.Term }, cancellation);

    /// <inheritdoc />
    public Task<string?> TrustAsync(string node, CancellationToken cancellation) =>
        SayAsync(view => PersonsWordPolicy.AgainstTrust(view, node), view => view.Record.Trusting(node, view.HighestTerm), cancellation);

    private async Task<string?> SayAsync(
        Func<ElectionView, string?> against, Func<ElectionView, ElectionRecord> next, CancellationToken cancellation)
    {
        for (var overtaken = 0; ; overtaken++)
        {
            var read = await ReadAsync(cancellation).ConfigureAwait(false);
            if (read is ElectionObservation.Unavailable unread) return unread.Why;
            var view = ((ElectionObservation.Known)read).View;
            if (against(view) is { } refusal) return refusal;
            var outcome = await WriteAsync(
                next(view), Basis?.Lease.Spec?.HolderIdentity, CandidateLease, cancellation).ConfigureAwait(false);
            if (outcome is ClaimOutcome.Unavailable unavailable) return unavailable.Why;
            if (outcome is not ClaimOutcome.Lost lost) return null;
            // The pods that wait for this word write the same Lease. What they wrote is read and judged before the next try.
            if (overtaken == MostOvertaken) return lost.Why;
            await Task.Delay(BetweenWords, time, cancellation).ConfigureAwait(false);
        }
    }

    // Nine pods that open a round and testify write the Lease a few times each, within a second or two.
    private const int MostOvertaken = 30;

    private static readonly TimeSpan BetweenWords = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc />
    protected override async Task<(ElectionRecord? Record, string? Why)> ReadRecordAsync(CancellationToken cancellation)
    {
        var read = await base.ReadRecordAsync(cancellation).ConfigureAwait(false);
        if (Basis is null) _tracker.Forget(); // one that is created anew counts from its first sight
        return read;
    }

    // A former process of this pod is dead; another pod is, when the API server has forgotten it or its Lease has run out.
    private async Task<(bool Alive, string? Doubt)> IsCandidateAliveAsync(
        ElectionRecord record, CandidateEvidence mine, CancellationToken cancellation)
    {
        if (record.Candidate is null || Basis is null) return (false, null);
        if (record.CandidateIncarnation == mine.Incarnation) return (true, null);
        if (record.CandidateUid == mine.Uid) return (false, null);
        var lease = _tracker.Observe(Basis.Lease, time.GetTimestamp());
        if (lease.Holder != record.CandidateUid || lease.Expired) return (false, null);
        return await IsPodAliveAsync(record.Candidate, record.CandidateUid!, cancellation).ConfigureAwait(false);
    }

    /// <summary>Null where it was opened, or somebody else was faster: read again. Else why not.</summary>
    private async Task<string?> OpenRoundAsync(ElectionRecord record, CancellationToken cancellation)
    {
        var next = record with
        {
            Round = Guid.NewGuid().ToString("N"), // never guessed, never used again
            Candidate = null,
            CandidateUid = null,
            CandidateIncarnation = null,
            CandidateAddress = null,
        };
        return await WriteAsync(next, null, CandidateLease, cancellation).ConfigureAwait(false) switch
        {
            ClaimOutcome.Unavailable unavailable => unavailable.Why,
            _ => null,
        };
    }

    private async Task<ElectionObservation> TestifyAsync(ElectionRecord record, CandidateEvidence mine, CancellationToken cancellation)
    {
        var evidence = Encoding.UTF8.GetString(ElectionDocuments.Write(mine));
        if (_published != record.Round + evidence)
        {
            var written = await Store.WriteEvidenceAsync(
                PodName, new EvidenceDocument(mine.Uid, PodName, record.Round!, evidence), cancellation).ConfigureAwait(false);
            if (written is not StoreWrite<EvidenceDocument>.Written)
                return new ElectionObservation.Unavailable($"Lease {Store.EvidenceName(PodName)}: not written ({written.GetType().Name})");
            _published = record.Round + evidence;
        }

        return await ViewAsync(record, mine, false, cancellation).ConfigureAwait(false);
    }

    private async Task RenewAsync(ElectionRecord record, CandidateEvidence mine, CancellationToken cancellation)
    {
        if (record.CandidateIncarnation != mine.Incarnation || time.GetElapsedTime(_renewedAt) < CandidateLease / 3) return;
        if (await WriteAsync(record, mine.Uid, CandidateLease, cancellation).ConfigureAwait(false) is ClaimOutcome.Won)
            _renewedAt = time.GetTimestamp();
    }
}
