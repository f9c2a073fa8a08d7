using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>
/// How a starting Redis finds its role: Sentinels, then peers, then an election. Pure. The order and its reasons are in
/// this folder's README; every branch is a row of a table in the tests.
/// </summary>
public static class MasterSelectionPolicy
{
    /// <summary>
    /// A split that lasts this long does not heal: the hello messages that carry the epochs pass every 2 s, and two of them may
    /// be lost.
    /// </summary>
    public static readonly TimeSpan SplitBeforeRestart = TimeSpan.FromSeconds(6);

    /// <summary>
    /// An epoch that has not spread for so long does not spread: hellos pass every 2 s, and a Sentinel's reconnection takes a few.
    /// </summary>
    public static readonly TimeSpan SpreadingBeforeRestart = TimeSpan.FromSeconds(10);

    /// <summary>See <see cref="CarryOutPolicy.NamedUnaccounted"/>: it counts as a wait for an election.</summary>
    public const string NamedUnaccounted = CarryOutPolicy.NamedUnaccounted;

    /// <summary>Decides the next step from one round's facts.</summary>
    public static MasterDecision Decide(BootstrapSnapshot s)
    {
        // Started as its replica, this node would follow itself; started as master, the group would have two under one address.
        if (Known(s).FirstOrDefault(k => k.Address == s.Me.Address) is { } predecessor)
            return Wait("own-address-taken",
                $"{predecessor.Endpoint} answers and announces {s.Me.Address}, this node's address: an earlier pod of it is still running",
                $"the end of the process at {predecessor.Endpoint}");
        var quorum = SentinelQuorumPolicy.Decide(s.Sentinels, s.SentinelCount);
        return quorum switch
        {
            SentinelQuorumDecision.Busy busy => Wait("failover-in-progress", busy.Reason, "the failover's end"),
            SentinelQuorumDecision.Spreading spreading => OnSpreading(s, spreading),
            SentinelQuorumDecision.Split split => OnSplit(s, split),
            SentinelQuorumDecision.Agreed agreed when agreed.Address == s.Me.Address => SentinelsNameMe(s, agreed),
            SentinelQuorumDecision.Agreed agreed => SentinelsNameAnother(s, agreed),
            _ => AskPeers(s, quorum.Reason),
        };
    }

    // Sentinels meet in the channels of the servers that they know. One that knows only a dead master never hears of the epoch in which
    // another was promoted; restarted, it takes it from the others (MonitorSelectionPolicy).
    private static MasterDecision OnSpreading(BootstrapSnapshot s, SentinelQuorumDecision.Spreading spreading)
    {
        if (s.SplitFor >= SpreadingBeforeRestart && spreading.Address == s.Me.Address && TellAgain(s, spreading.Reason) is { } again)
            return again;
        var behind = s.Sentinels.OfType<SentinelObservation.Known>().Where(k => k.View.Master is { } m && m.ConfigEpoch < spreading.Epoch)
            .Select(k => k.Endpoint).ToImmutableArray();
        return s.SplitFor >= SpreadingBeforeRestart && !behind.IsEmpty && Masters(s) is [var only] && only.Address == spreading.Address
            ? new MasterDecision.RestartSentinels(behind, "sentinel-behind",
                $"{spreading.Reason}; {only.Address} is the only master, and no other Sentinel has heard of it for "
                + $"{DurationText.About(s.SplitFor)}")
            : Wait("epoch-spreading", spreading.Reason, "the other Sentinels to learn this epoch");
    }

    private static MasterDecision OnSplit(BootstrapSnapshot s, SentinelQuorumDecision.Split split)
    {
        if (s.SplitFor >= SplitBeforeRestart && split.Majority == s.Me.Address && TellAgain(s, split.Reason) is { } again) return again;
        if (split.Majority is not { } address) return Wait("sentinel-split", split.Reason, "a failover that raises the epoch");
        var isMaster = Known(s).Any(k => k.Address == address && k.View.Role == NodeRole.Master);
        if (s.SplitFor >= SplitBeforeRestart && isMaster)
            return new MasterDecision.RestartSentinels(
                split.Odd, "sentinel-split-odd", $"{split.Reason}; {address} has the majority and is master, and equal epochs never heal");
        return Wait("sentinel-split", split.Reason, "the Sentinels to agree");
    }

    // I was announced and not to all, and nobody else may make it good: I do not listen before a majority names me.
    private static MasterDecision.TellSentinels? TellAgain(BootstrapSnapshot s, string reason) =>
        Nodes(s).Count == 0 && s.TellingDenied is null
        && s.Election is ElectionObservation.Known { View: { CandidateAlive: true, Record: var record } }
            && record.CandidateIncarnation == s.Me.Incarnation
        && s.Sentinels.OfType<SentinelObservation.Known>().Select(k => k.View.Master?.Address)
            .FirstOrDefault(a => a is not null && a != s.Me.Address)
            is { } other
            ? new MasterDecision.TellSentinels(other, $"{s.Me.Node} was announced already", "telling-again", reason)
            : null;

    // Named and not running: the address must stay silent while a replica with the data can take over. An empty master that
    // comes back before Sentinel notices wipes its replicas within a second.
    private static MasterDecision SentinelsNameMe(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed)
    {
        var masters = Masters(s);
        if (masters.Count > 0)
        {
            // One that continues my data was promoted by somebody who died before the Sentinels knew: only forward.
            return Succession(s, agreed) is SuccessionDecision.Succeed { Plan: var half }
                && masters.Exists(m => m.View.RunId == half.Target.RunId) && s.SuccessionFailed is null
                ? new MasterDecision.Succeed(half, "named-hand-over",
                    $"{agreed.Reason}, which is this node; {half.Target.Address} was promoted, but the Sentinels have not learned of it")
                : Wait("named-but-other-master",
                    $"{agreed.Reason}, which is this node, but {masters[0].Address} is master: Sentinel has to resolve this",
                    "Sentinel to convert one of them");
        }

        var replicas = Nodes(s).Where(k => k.View.Role == NodeRole.Replica).ToList();
        // Sentinel itself promotes none that it does not reach.
        var listed = s.SuccessionFailed is null ? agreed.Promotable.AddRange(agreed.Unreached) : agreed.Promotable;
        var promotable = replicas.Where(r => listed.Contains(r.Address) && !r.View.SyncInProgress && !r.View.Loading && !r.FollowsItself)
            .ToList();
        if (promotable.Count > 0)
            return Succeed(s, agreed, "named-hand-over", $"{agreed.Reason}, which is this node; {promotable[0].Address} can take over");
        if (replicas.Find(r => r.FollowsItself) is { } lost)
            return Wait("peer-follows-itself", $"{agreed.Reason}, which is this node; {lost.Address} replicates from its own address",
                $"{lost.Address} to be restarted");
        if (replicas.Count > 0)
            return LiveReplicasButNonePromotable(s, agreed, replicas);
        return Elect(s, agreed);
    }

    // Replicas live, but Sentinel would not take any of them (yet): it has not polled them, they sync, or load. While they may
    // become promotable, waiting costs seconds and resuming may cost data.
    private static MasterDecision LiveReplicasButNonePromotable(
        BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, List<NodeObservation.Known> replicas)
    {
        var unfinished = replicas.All(r => r.View.SyncInProgress);
        // A marker that names another as the last to serve contradicts what the Sentinels say: then it is not my data.
        var isMine = s.Me.LastServing is null || s.Me.LastServing.Node.Name == s.Me.Node;
        if (unfinished && ((s.Me.HasData && isMine) || s.Durability == Durability.None))
            return new MasterDecision.StartAsMaster("named-resume",
                $"{agreed.Reason}, which is this node; every replica is still copying its data, so no other node has all of it");
        return Wait("named-no-promotable-replica",
            $"{agreed.Reason}, which is this node; {replicas.Count} replica(s) are alive, but Sentinel would not promote any of them yet",
            "a replica that Sentinel can promote");
    }

    private static MasterDecision SentinelsNameAnother(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed)
    {
        var named = s.Peers.FirstOrDefault(p => p.Endpoint == agreed.Address);
        switch (named)
        {
            case NodeObservation.Known { View.Role: NodeRole.Master } other
                when agreed.RunIds.Length > 0 && !agreed.RunIds.Contains(other.View.RunId):
                return Wait("named-run-id-differs", $"{agreed.Reason}, but the process there is another one than Sentinel talks to",
                    "Sentinel to notice the restart");
            case NodeObservation.Known { View.Role: NodeRole.Master } master:
                return Follow(s, master, agreed.Epoch, "follow-sentinels", agreed.Reason);
            case NodeObservation.Known { FollowsItself: true }:
                return Wait("named-follows-itself", $"{agreed.Reason}, but it is a replica of its own address",
                    "the sidecar beside it to make it master");
            case NodeObservation.Known:
                return Wait("named-is-replica", $"{agreed.Reason}, but it is a replica", "the failover to complete");
            case NodeObservation.Unknown unknown:
                return NamedIsUnclear(s, agreed, unknown);
            default:
                return NamedIsDead(s, agreed);
        }
    }

    // Something answers there. While no Redis of the group runs, it may be a pod's address that belongs to somebody else by now; the
    // evidence of every node tells.
    private static MasterDecision NamedIsUnclear(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, NodeObservation.Unknown unknown)
    {
        var why = unknown.LoginRefused
            ? $"{agreed.Reason}, but it refuses this group's login ({unknown.Why}): another tenant's address, or a wrong password"
            : $"{agreed.Reason}, but {unknown.Why}";
        var isAsked = Nodes(s).Count == 0;
        if (isAsked && s.Election is null) return new MasterDecision.ConsultElection("consult-election", why);
        var named = isAsked && s.Election is ElectionObservation.Known { View: var view }
            ? NamedAddress.Of(s, agreed.Address, FactsOf(s, view, agreed))
            : null;
        if (named is NamedAddress.Nobodys) return Elect(s, agreed);
        if (named is not null) why = $"{why}; {named.Reason}";
        return unknown.LoginRefused ? new MasterDecision.Refuse("named-refuses-login", why)
            : named is NamedAddress.Unproven unproven ? new MasterDecision.Wait(unproven.WaitingFor, "named-unclear", why)
            : Wait("named-unclear", why, "an answer from the master");
    }

    private static MasterDecision NamedIsDead(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed)
    {
        var live = Nodes(s);
        var carried =
            live.FirstOrDefault(k => k.View.Role == NodeRole.Replica && k.View.MasterAddress == agreed.Address && !k.FollowsItself);
        if (live.Count == 0) return Elect(s, agreed);
        if (live.FirstOrDefault(k => k.View.Role == NodeRole.Master) is { } rogue)
        {
            return new MasterDecision.Refuse("other-master-lives",
                $"{agreed.Reason}, which does not answer, while {rogue.Address} is master without the Sentinels' knowledge: "
                + "following either may destroy data");
        }

        // Another bootstrap won the election and started as replica of the dead address: Sentinel has to be asked, since it may
        // not even have noticed yet. That I can't reach an address would prove nothing; that its own bootstrap takes part in the
        // election does.
        if (carried is not null && agreed.Promotable.Contains(carried.Address) && AmFirstSilentNode(s, agreed, carried))
            return Succeed(s, agreed, "carry-out-election", $"{agreed.Reason}, which is dead; {carried.Address} can take over");
        return Wait("named-is-dead", $"{agreed.Reason}, which does not answer; {live.Count} node(s) live", "Sentinel's failover");
    }

    private static MasterDecision AskPeers(BootstrapSnapshot s, string why)
    {
        var masters = Masters(s);
        if (masters.Count > 1) return SeveralMasters(s, masters, why);
        if (masters.Count == 1) return Follow(s, masters[0], null, "follow-peer-master", $"{why}; {masters[0].Address} is the only master");
        var replicas = Nodes(s).Where(k => k.View.Role == NodeRole.Replica).ToList();
        if (replicas.Count == 0) return Elect(s, null, why);
        // A linked replica proves that its master lived a moment ago; we have not reached it ourselves, so we do not follow it.
        var linked = replicas.FirstOrDefault(r => r.View.MasterLinkUp);
        return linked is not null
            ? Wait("master-out-of-reach", $"{why}; {linked.Address} follows {linked.View.MasterAddress}, which does not answer me",
                "that master to answer")
            : Wait("replicas-without-master",
                $"{why}; {replicas.Count} replica(s) live without a master, and only Sentinel may promote one", "a majority of Sentinels");
    }

    // The record orders their tokens, or nobody does.
    private static MasterDecision SeveralMasters(BootstrapSnapshot s, List<NodeObservation.Known> masters, string why)
    {
        var reason = $"{why}; {masters.Count} nodes are master ({string.Join(", ", masters.Select(m => m.Address))}), "
            + "and following the wrong one destroys data";
        if (s.Election is null) return new MasterDecision.ConsultElection("consult-election", reason);
        var record = (s.Election as ElectionObservation.Known)?.View.Record;
        var vouched =
            record is null ? [] : masters.Where(m => FollowPolicy.Vouches(((ElectionObservation.Known)s.Election).View, s.Me, m)).ToList();
        return vouched.Count == 1
            ? Follow(s, vouched[0], null, "follow-recorded-master", $"{reason}; the group's record names {vouched[0].Address}")
            : new MasterDecision.Refuse("two-masters", $"{reason}; 'redis-bootstrap trust NODE' says whose data count");
    }

    private static MasterDecision Follow(BootstrapSnapshot s, NodeObservation.Known master, long? namedEpoch, string code, string reason) =>
        FollowPolicy.Judge(s.Me, s.Durability, master, namedEpoch, s.Election, s.ElectionWaitedFor >= s.LastMasterWait) switch
        {
            FollowVerdict.Allowed allowed => new MasterDecision.Follow(master.Address, allowed.Token, code, $"{reason}; {allowed.Reason}")
            { RescueFirst = allowed.RescueFirst },
            FollowVerdict.Consult consult => new MasterDecision.ConsultElection("consult-election", $"{reason}; {consult.Reason}"),
            FollowVerdict.Refused refused => new MasterDecision.Refuse(refused.Code, $"{reason}; {refused.Reason}"),
            var unproven =>
                Wait("master-unproven", $"{reason}; {unproven.Reason}", "Sentinels or the group's record to vouch for that master"),
        };

    private static MasterDecision Elect(BootstrapSnapshot s, SentinelQuorumDecision.Agreed? agreed, string why = "")
    {
        why = agreed?.Reason ?? why;
        var refused = s.Peers.OfType<NodeObservation.Unknown>().FirstOrDefault(p => p.Endpoint != agreed?.Address);
        // Something answers where a peer should be. Whether it holds newer data is not known, and unknown is not "none".
        if (refused is not null)
            return Wait("peer-unclear", $"{why}; {refused.Endpoint}: {refused.Why}", "a clear answer from every peer that listens");
        switch (s.Election)
        {
            case null:
                return new MasterDecision.ConsultElection("consult-election", $"{why}; no node lives");
            case ElectionObservation.Unavailable unavailable:
                return Wait("election-unavailable", $"{why}; no node lives, and the election can't be read: {unavailable.Why}",
                    "the election backend");
        }

        var facts = FactsOf(s, ((ElectionObservation.Known)s.Election).View, agreed);
        var named = agreed is null || agreed.Address == s.Me.Address ? null : NamedAddress.Of(s, agreed.Address, facts);
        var decision = ElectionPolicy.Decide(named is NamedAddress.Nobodys ? facts with { Named = null } : facts);
        var reason = $"{why}; {decision.Reason}";
        var due = decision is ElectionDecision.Claim claim
            ? new MasterDecision.Claim("claim", reason) { RestoreFirst = claim.RestoreFirst, Word = claim.Word }
            : null;
        return decision switch
        {
            ElectionDecision.Claim or ElectionDecision.Won when named is not null => CarryOutPolicy.Decide(s, agreed!, named, due, reason),
            ElectionDecision.Claim => due!,
            ElectionDecision.Won when agreed is null => new MasterDecision.StartAsMaster("elected", reason),
            ElectionDecision.Won => new MasterDecision.StartAsMaster("elected-and-named", reason),
            ElectionDecision.Lost lost => Wait("election-lost", reason, $"{lost.Winner} to serve"),
            ElectionDecision.Wait wait => new MasterDecision.Wait(wait.WaitingFor, "election-wait", reason),
            ElectionDecision.Refuse refuse => new MasterDecision.Refuse(refuse.Code, reason),
            _ => throw new InvalidOperationException(decision.GetType().Name),
        };
    }

    private static ElectionFacts FactsOf(BootstrapSnapshot s, ElectionView view, SentinelQuorumDecision.Agreed? agreed) => new(
        view, s.Me, s.RedisCount, s.Durability, agreed is null ? null : new NamedMaster(agreed.Address, agreed.Epoch),
        s.ElectionWaitedFor >= s.UncleanElectionAfter, s.ElectionWaitedFor >= s.LastMasterWait)
    { RestoresBackups = s.RestoresBackups };

    private static MasterDecision Succeed(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, string code, string reason)
    {
        if (s.SuccessionFailed is { } why) return RequestFailover(s, agreed, code, $"{reason}; the Sentinels can't be told: {why}");
        return Succession(s, agreed) switch
        {
            SuccessionDecision.Succeed succeed => new MasterDecision.Succeed(succeed.Plan, code, $"{reason}; {succeed.Reason}"),
            var wait => Wait(wait.Code, $"{reason}; {wait.Reason}", "the replicas"),
        };
    }

    // The connections of the process that was here before ended when it did.
    private static SuccessionDecision Succession(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed) =>
        SuccessionPolicy.Decide(new SuccessionFacts
        {
            Master = agreed.Address,
            Listed = agreed.Promotable,
            Unreached = agreed.Unreached,
            Replicas = s.Peers,
            DeadFor = s.SilentFor,
            ReplicationId = s.Me.Address == agreed.Address ? s.Me.Position?.At.Id.ToString() : null,
        });

    // SENTINEL FAILOVER takes no vote, and two at once made two masters in one epoch: so always the same Sentinel, the one
    // with the lowest id that names the agreed address and trusts its clock. There is one: it named the promotable replica.
    private static MasterDecision.RequestFailover RequestFailover(
        BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, string code, string reason) =>
        new(s.Sentinels.OfType<SentinelObservation.Known>()
                .Where(k => !k.View.Tilt && k.View.Master?.Address == agreed.Address)
                .OrderBy(k => k.View.MyId, StringComparer.Ordinal).ThenBy(k => k.Endpoint.ToString(), StringComparer.Ordinal)
                .First().Endpoint,
            agreed.Address, code, reason);

    // One actor: the first living node that is not running, and only where the named one is among them.
    private static bool AmFirstSilentNode(BootstrapSnapshot s, SentinelQuorumDecision.Agreed agreed, NodeObservation.Known winner)
    {
        if (s.Election is not ElectionObservation.Known { View: var view }) return false;
        var silent = view.Evidence.Where(e => e.Live && e.Address != winner.Address).ToList();
        return silent.Exists(e => e.Address == agreed.Address)
            && silent.Select(e => e.Node).Order(StringComparer.Ordinal).First() == s.Me.Node;
    }

    private static IEnumerable<NodeObservation.Known> Known(BootstrapSnapshot s) => s.Peers.OfType<NodeObservation.Known>();

    // One entry a process: a node may answer at its pod address and at its Service address.
    private static List<NodeObservation.Known> Nodes(BootstrapSnapshot s) =>
        [.. Known(s).OrderBy(k => k.Endpoint.ToString(), StringComparer.Ordinal).DistinctBy(k => k.View.RunId)];

    private static List<NodeObservation.Known> Masters(BootstrapSnapshot s) => [.. Nodes(s).Where(k => k.View.Role == NodeRole.Master)];

    private static MasterDecision.Wait Wait(string code, string reason, string waitingFor) => new([waitingFor], code, reason);
}
