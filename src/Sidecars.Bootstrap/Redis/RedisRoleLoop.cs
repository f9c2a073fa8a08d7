using Sidecars.Bootstrap.Backends;
using Sidecars.Bootstrap.Disk;
using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Redis;

/// <summary>How the Redis of this node is to start.</summary>
/// <param name="Follow">The master, or null to start as master.</param>
/// <param name="Elected">True where an election's claim is to live on with the server.</param>
/// <param name="Token">The token that it starts under.</param>
internal sealed record RedisStart(RedisEndpoint? Follow, bool Elected, FencingToken Token);

/// <summary>What does not change while a node looks for its role.</summary>
internal sealed record RedisRoleSettings(int RedisCount, int SentinelCount, Durability Durability, TimeSpan LastMasterWait,
    TimeSpan? UncleanElectionAfter, bool RestoresBackups);

/// <summary>
/// Gather, decide, act, until this node's role is known. Every rule is in <see cref="MasterSelectionPolicy"/>; here is only
/// the order of reads and what carries a decision out.
/// </summary>
internal sealed class RedisRoleLoop(
    GroupObserver observer,
    SentinelClient sentinels,
    SentinelLeadership leadership,
    SuccessionRunner succession,
    IElectionBackend election,
    DataGuard data,
    BackupRestore restore,
    RedisRoleSettings settings,
    DecisionReporter reporter,
    RoundPacer pacer,
    TimeProvider time)
{
    private readonly SuccessionAttempts _attempts = new(succession, settings.SentinelCount);
    private readonly long _began = time.GetTimestamp();
    private bool _consultElection;
    private bool _restoreFirst;
    private long? _splitSince;
    private long? _electionSince;
    private string? _tellingDenied;

    public async Task<RedisStart> RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var snapshot = await GatherAsync(cancellation).ConfigureAwait(false);
            var decision = MasterSelectionPolicy.Decide(snapshot);
            if (decision is MasterDecision.StartAsMaster or MasterDecision.FollowNamed or MasterDecision.TellSentinels
                && RestoreBefore(snapshot) is { } pending)
            {
                await pacer.WaitAsync(reporter.Waiting(pending.Code, $"{decision.Reason}; {pending.Reason}", pending.WaitingFor),
                    cancellation).ConfigureAwait(false);
                continue;
            }

            if (decision is MasterDecision.StartAsMaster or MasterDecision.FollowNamed
                && data.Load(follows: false) is LoadDecision.TryAgainAfter later
                && time.GetElapsedTime(_began) < later.Pause)
            {
                var what = $"{decision.Reason}; but {later.Reason}. It is tried again after {DurationText.Of(later.Pause)}";
                await pacer.WaitAsync(reporter.Waiting("data-not-loaded", what, "a person: the runbook damaged-data", isDoubtful: true),
                    cancellation).ConfigureAwait(false);
                continue;
            }

            var changed = reporter.Report(decision, snapshot);
            switch (decision)
            {
                case MasterDecision.Follow follow:
                    if (GiveUp(follow) is not { } refused) return new RedisStart(follow.Master, Elected: false, follow.Token);
                    changed = reporter.Waiting(
                        "rescue-refused", refused, "room for a rescue (RESCUE_MAX_MB, RESCUE_MAX_COUNT)", isDoubtful: true);
                    break;
                case MasterDecision.FollowNamed follow:
                    return new RedisStart(follow.Named, Elected: true, ElectedToken(snapshot));
                case MasterDecision.StartAsMaster start:
                    return new RedisStart(null, Elected: true, ElectedToken(snapshot));
                case MasterDecision.ConsultElection:
                    _consultElection = true; // and from now on, so that the others see that this node lives
                    continue;
                case MasterDecision.Claim claim:
                    if (!await ClaimAsync(snapshot, claim.Word, cancellation).ConfigureAwait(false)) break;
                    _restoreFirst = claim.RestoreFirst;
                    continue;
                case MasterDecision.Succeed succeed:
                    reporter.Succeeded(await _attempts.RunAsync(succeed.Plan, snapshot.Sentinels, cancellation).ConfigureAwait(false));
                    break;
                case MasterDecision.RequestFailover request:
                    _attempts.StartOver(); // asked once; whatever comes of it, telling is tried again
                    var asked = await sentinels.FailoverAsync(request.Sentinel, request.Replaces, cancellation).ConfigureAwait(false);
                    reporter.Acted("failover-requested", request.Sentinel, asked.Obstacle);
                    break;
                case MasterDecision.TellSentinels tell:
                    if (!await TellAsync(tell, snapshot, cancellation).ConfigureAwait(false)) break;
                    continue; // and only what the Sentinels say then makes it a master
                case MasterDecision.RestartSentinels { Together: true } restart:
                    await Task.WhenAll(restart.Sentinels.Select(async s => reporter.Acted("sentinel-restarted", s,
                        await sentinels.ShutdownAsync(s, cancellation).ConfigureAwait(false)))).ConfigureAwait(false);
                    _tellingDenied = null;
                    break;
                case MasterDecision.RestartSentinels restart:
                    // One at a time: the next round shows whether the split is gone.
                    reporter.Acted("sentinel-restarted", restart.Sentinels[0],
                        await sentinels.ShutdownAsync(restart.Sentinels[0], cancellation).ConfigureAwait(false));
                    break;
            }

            _electionSince =
                decision is MasterDecision.Wait { Code: "election-wait" or "master-unproven" or MasterSelectionPolicy.NamedUnaccounted }
                    or MasterDecision.Refuse { Code: ElectionPolicy.LineageUnknown or ElectionPolicy.LineageConflict }
                    ? _electionSince ?? time.GetTimestamp()
                    : null;
            await pacer.WaitAsync(changed, cancellation).ConfigureAwait(false);
        }
    }

    // What this disk holds gives way to a master's data. Null where that may go on; else why not yet.
    private string? GiveUp(MasterDecision.Follow follow)
    {
        var aside = (data.Load(follows: true) as LoadDecision.PutAside)?.Reason;
        if ((follow.RescueFirst ?? aside) is not { } reason) return null;
        var notKept = data.Rescue(aside ?? reason, follow.Token);

        // Without a reason of its own to keep them, the master has them: what is damaged goes even where there is no room for a rescue.
        if (notKept is not null && follow.RescueFirst is not null)
            return $"{follow.Reason}; {reason}, and these data can't be kept: {notKept}";
        return aside is null ? null
            : data.Remove(aside) is { } left ? $"{follow.Reason}; {aside}, and they can't be removed: {left}"
            : null;
    }

    private async Task<BootstrapSnapshot> GatherAsync(CancellationToken cancellation)
    {
        var me = data.Evidence();
        var groupTask = observer.ObserveAsync(exceptSentinel: null, exceptNode: me.Address, cancellation);
        var view = _consultElection ? await election.ObserveAsync(me, cancellation).ConfigureAwait(false) : null;
        var group = await groupTask.ConfigureAwait(false);
        var disagree = SentinelQuorumPolicy.Decide(group.Sentinels, settings.SentinelCount) is SentinelQuorumDecision.Split
            or SentinelQuorumDecision.Spreading;
        _splitSince = disagree ? _splitSince ?? time.GetTimestamp() : null;
        return new BootstrapSnapshot
        {
            Me = me,
            RedisCount = settings.RedisCount,
            SentinelCount = settings.SentinelCount,
            Durability = settings.Durability,
            Sentinels = group.Sentinels,
            Peers = group.Nodes,
            Election = view,
            ElectionWaitedFor = _electionSince is { } from ? time.GetElapsedTime(from) : TimeSpan.Zero,
            LastMasterWait = settings.LastMasterWait,
            UncleanElectionAfter = settings.UncleanElectionAfter,
            RestoresBackups = settings.RestoresBackups,
            TellingDenied = _tellingDenied,
            SplitFor = _splitSince is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero,
            SuccessionFailed = _attempts.GivenUp,
            SilentFor = time.GetElapsedTime(_began),
        };
    }

    // This process claimed the term on the word that every disk is empty, and while it lives nobody else claims another: so it is this one
    // that restores, once a term. Null: nothing is to be waited for (any more).
    private (string Code, string Reason, string WaitingFor)? RestoreBefore(BootstrapSnapshot snapshot)
    {
        if (!_restoreFirst) return null;
        var record = (snapshot.Election as ElectionObservation.Known)?.View.Record;
        if (record is not null && record.EmptyStartAllowedInTerm == record.Term) return null;
        switch (restore.Advance())
        {
            case RestoreProgress.Running running:
                return ("restoring",
                    $"a backup is being restored{(running.Progress.Length > 0 ? ": " : "")}{running.Progress}", "the restore");
            case RestoreProgress.Failed failed:
                return ("restore-failed", $"{failed.Why}; it is tried again, and 'redis-bootstrap allow-empty' starts without",
                    "a backup that can be restored");
            default:
                // gathered before it ended
                if (snapshot.Me.Data == DataState.Absent) return ("restoring", "the restore has ended", "a look at the restored data");
                _restoreFirst = false;
                return null;
        }
    }

    // The election raised the term; Sentinel's epoch goes on from where it was.
    private static FencingToken ElectedToken(BootstrapSnapshot snapshot)
    {
        var record = (snapshot.Election as ElectionObservation.Known)?.View.Record;
        var mine = snapshot.Me.Token;
        return mine with { Term = Math.Max(mine.Term, record?.Term ?? 0) };
    }

    private async Task<bool> TellAsync(MasterDecision.TellSentinels tell, BootstrapSnapshot snapshot, CancellationToken cancellation)
    {
        var request = new LeadershipRequest(snapshot.Me.Address, tell.Named, settings.SentinelCount)
        { UnlistedBecause = tell.Evidence, LearntEpoch = _attempts.LearntEpoch };
        var outcome = await leadership.TellAsync(
            request, [.. snapshot.Sentinels.Select(s => s.Endpoint)], cancellation).ConfigureAwait(false);
        _attempts.Learn(outcome.HighestEpoch);
        _tellingDenied = outcome is LeadershipOutcome.Refused { IsLasting: true } ? $"{outcome.Code}: {outcome.Reason}" : null;
        reporter.Told(outcome);
        return outcome is LeadershipOutcome.Confirmed;
    }

    private async Task<bool> ClaimAsync(BootstrapSnapshot snapshot, PersonsWordKind? word, CancellationToken cancellation)
    {
        var view = ((ElectionObservation.Known)snapshot.Election!).View;
        var outcome = await election.ClaimAsync(view, snapshot.Me, word, cancellation).ConfigureAwait(false);
        reporter.Claimed(outcome);
        return outcome is ClaimOutcome.Won;
    }
}
