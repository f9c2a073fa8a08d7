using Sidecars.Core.Election;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.LedAway;

namespace Sidecars.Failover.Status;

/// <summary>What does not fit in what the Sentinels say. Pure.</summary>
internal static class SentinelFindings
{
    public static IEnumerable<Fault> Of(StatusView v) =>
        [.. Quorum(v), .. Strangers(v), .. v.Sentinels.SelectMany(one => OfSentinel(v, one)), .. Missing(v)];

    private static IEnumerable<Fault> Quorum(StatusView v)
    {
        var masters = v.Sentinels.Select(s => s.View?.Master).OfType<SentinelMaster>().ToList();
        var silent = masters.SelectMany(m => new[] { m.Monitored, m.Address }).Select(v.SilenceAt).FirstOrDefault(c => c is not null);
        switch (v.Quorum)
        {
            case SentinelQuorumDecision.Agreed { Down: true } a:
                var toDo = a.Promotable.IsEmpty
                    ? "no replica can be promoted: bring this Redis back, or a replica that was in sync with it"
                    : "nothing: Sentinel fails over after SENTINEL_DOWN_AFTER";
                yield return new Fault(
                    FindingCodes.MasterDown, a.Address.ToString(), "a Sentinel sees this master down", toDo, v.SilenceAt(a.Address));
                break;
            case SentinelQuorumDecision.Busy b:
                yield return new Fault(FindingCodes.FailoverInProgress, null, b.Reason, "nothing: look again in a few seconds", silent);
                break;
            case SentinelQuorumDecision.Spreading p:
                yield return new Fault(
                    FindingCodes.EpochSpreading, null, p.Reason,
                    "nothing within 10s; then check whether that Sentinel reaches the others", v.MissingSentinels);
                break;
            case SentinelQuorumDecision.Split x:
                yield return new Fault(FindingCodes.SentinelsSplit, null, x.Reason, x.Majority is null
                    ? "no majority: find out which Redis has the newest data before anything else"
                    : $"restart {string.Join(", ", x.Odd)}: redis-bootstrap rebuilds it from the others");
                break;
            case SentinelQuorumDecision.NoMaster n:
                yield return new Fault(FindingCodes.NoMaster, null, n.Reason, "check MASTER_NAME and CLUSTER_ID of the Sentinels");
                break;
            case SentinelQuorumDecision.NoMajority n:
                var count = Math.Max(v.Snapshot.Group.Settings.SentinelCount, n.Answered);
                yield return new Fault(
                    FindingCodes.NoMajority, null,
                    $"{n.Answered} of {count} Sentinels answer and {n.Needed} are needed: no failover is possible",
                    "bring a majority of the Sentinels back; check SENTINEL_COUNT", v.MissingSentinels);
                break;
        }
    }

    // Only where the record knows what every node announces.
    private static IEnumerable<Fault> Strangers(StatusView v)
    {
        if (v.Snapshot.Record is not ElectionObservation.Known known) yield break;
        var group = RecordedGroup.Of(known.View, v.Snapshot.Addresses);
        if (group.Count < v.Snapshot.Group.Settings.RedisCount) yield break;
        if (v.Agreed is { } agreed && !group.Has(agreed.Address))
            yield return new Fault(
                FindingCodes.LedAway, agreed.Address.ToString(), "the Sentinels name it, and no node of this group announces it",
                "the master's sidecar tells the Sentinels back within 2s; else its log (led-away) says why not: see RedisLedAway");
        foreach (var stranger in v.Sentinels.SelectMany(s => s.View?.Replicas ?? []).Where(r => !r.Down).Select(r => r.Address).Distinct()
            .Where(r => !group.Has(r)))
            yield return new Fault(
                FindingCodes.ForeignReplica, stranger.ToString(),
                "follows the master and is not a node of this group: Sentinel may promote it",
                "REPLICAOF NO ONE there, or replica-priority 0 for a migration: see RedisLedAway");
    }

    private static IEnumerable<Fault> OfSentinel(StatusView v, SentinelSeen one)
    {
        var at = one.Address.ToString();
        if (StatusView.SilenceOf(one) is { } code) return [Silent(one, code)];
        var view = one.View!;
        if (view.Tilt)
            return [new Fault(
                FindingCodes.SentinelTilt, at, "distrusts its clock (TILT)",
                "passes after 30s; if it comes back, its node is starved of processor time")];
        return view.Master is null
            ? [new Fault(
                FindingCodes.SentinelWithoutMaster, at, $"does not know {v.Snapshot.MasterName}", "restart it: redis-bootstrap rebuilds it",
                v.Quorum is SentinelQuorumDecision.NoMaster ? FindingCodes.NoMaster : null)]
            : Lists(v, at, view);
    }

    private static IEnumerable<Fault> Lists(StatusView v, string at, SentinelView view)
    {
        var settings = v.Snapshot.Group.Settings;
        var (others, up) = (settings.SentinelCount - 1, view.Replicas.Count(r => !r.Down));
        if (view.Others.Length > others)
            yield return new Fault(
                FindingCodes.GhostSentinels, at,
                $"lists {view.Others.Length} other Sentinels, {others} are configured: a ghost is a voter that never votes",
                "nothing while all else is healthy: the master's sidecar removes ghosts; otherwise heal that first");
        if (view.Others.Length < others)
            yield return new Fault(
                FindingCodes.SentinelsNotMet, at, $"lists {view.Others.Length} of {others} other Sentinels",
                "they meet through the master within seconds; otherwise check that they reach it and may PUBLISH there",
                v.MissingSentinels);
        if (up < settings.RedisCount - 1)
            yield return new Fault(
                FindingCodes.ReplicasNotSeen, at, $"reaches {up} of {settings.RedisCount - 1} replicas",
                "a Sentinel learns of a replica within 10s; otherwise see that replica", v.MissingNodes ?? NodeFindings.Unfit(v));
    }

    private static Fault Silent(SentinelSeen one, FindingCode code)
    {
        var (at, why) = (one.Address.ToString(), Words.Why(one.Seen));
        if (code == FindingCodes.SentinelUnreachable)
            return new Fault(code, at, why, "see its pod: of three Sentinels one may be missing, two may not");
        if (code == FindingCodes.SentinelLoginRefused)
            return new Fault(code, at, why, "check SIDECAR_PASSWORD and CLUSTER_ID on both sides");
        if (code == FindingCodes.SentinelTimedOut)
            return new Fault(code, at, why, "its process hangs or gets no processor time: see its pod and its node");
        return new Fault(
            code, at, why, one.Seen is SentinelObservation.Unknown { Failure: RedisFailure.Tls }
                ? Words.CheckTls
                : "check that this address is a Sentinel of this group; see its log");
    }

    private static IEnumerable<Fault> Missing(StatusView v)
    {
        var count = v.Snapshot.Group.Settings.SentinelCount;
        var found = v.AnsweringSentinels + v.Sentinels.Count(s => s.View is null);
        if (found < count)
            yield return new Fault(
                FindingCodes.SentinelsMissing, null, $"{found} of {count} Sentinels are found",
                "their name resolves to fewer: see the pods, and SENTINEL_COUNT");
        foreach (var spare in v.SpareSentinels) yield return Words.SpareAddress(spare.Address.ToString(), Words.Why(spare.Seen));
    }
}
