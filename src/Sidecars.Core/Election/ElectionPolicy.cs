using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Election;

/// <summary>What an election comes to for the node that asks; a closed set.</summary>
public abstract record ElectionDecision
{
    private ElectionDecision(string reason) => Reason = reason;

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>I am to claim the record, and become candidate of its next term if that succeeds.</summary>
    public sealed record Claim(string Reason) : ElectionDecision(Reason);

    /// <summary>I am the candidate: start.</summary>
    public sealed record Won(long Term, string Reason) : ElectionDecision(Reason);

    /// <summary>Another is, or is about to be: wait until it serves.</summary>
    public sealed record Lost(string Winner, RedisEndpoint? Address, string Reason) : ElectionDecision(Reason);

    /// <summary>Facts are missing that come by themselves.</summary>
    public sealed record Wait(ImmutableArray<string> WaitingFor, string Reason) : ElectionDecision(Reason);

    /// <summary>What is known forbids an election; a person, a restore or a missing node's return changes that.</summary>
    public sealed record Refuse(string Code, string Reason) : ElectionDecision(Reason);
}

/// <summary>What an election is decided from.</summary>
/// <param name="View">The backend's state.</param>
/// <param name="Me">My evidence, as published.</param>
/// <param name="RedisCount">How many Redis nodes there should be (<c>REDIS_COUNT</c>).</param>
/// <param name="Durability">What the tenant expects of its disks.</param>
/// <param name="Named">The address that a Sentinel majority names, or null where there is no majority.</param>
public sealed record ElectionFacts(ElectionView View, CandidateEvidence Me, int RedisCount, Durability Durability, RedisEndpoint? Named);

/// <summary>
/// Chooses the master where none lives. Pure, and independent of the order of the evidence: every node that sees the same
/// evidence comes to the same winner, and the record's compare-and-swap settles the rest.
/// </summary>
public static class ElectionPolicy
{
    /// <summary>Refusal: every disk of a durable group is empty, though the group has had a master.</summary>
    public const string AllEmpty = "all-disks-empty";

    /// <summary>Refusal: the backend names a leader but knows no data, and there is data.</summary>
    public const string BlindBackend = "backend-knows-no-data";

    /// <summary>Decides for <see cref="ElectionFacts.Me"/>.</summary>
    public static ElectionDecision Decide(ElectionFacts facts)
    {
        var (view, me, _, durability, _) = facts;
        if (!view.CarriesEvidence) return Blind(view, me, durability);
        if (view.Record.Candidate is { } candidate && view.CandidateAlive)
        {
            return view.Record.CandidateUid == me.Uid
                ? new ElectionDecision.Won(view.Record.Term, $"I am the candidate of term {view.Record.Term}")
                : new ElectionDecision.Lost(candidate, view.Record.CandidateAddress, $"{candidate} is the candidate of term {view.Record.Term} and lives");
        }

        // One incarnation a node: the live one; several live ones of one name are a fault that is never resolved by choosing.
        var live = view.Evidence.Where(e => e.Live).ToList();
        var twice = live.GroupBy(e => e.Node, StringComparer.Ordinal).FirstOrDefault(g => g.Select(e => e.Uid).Distinct(StringComparer.Ordinal).Count() > 1);
        if (twice is not null) return new ElectionDecision.Refuse("node-alive-twice", $"{twice.Key} is alive twice; each node needs a name of its own");
        return Missing(facts, live) ?? Choose(facts, live);
    }

    private static ElectionDecision.Wait? Missing(ElectionFacts facts, List<CandidateEvidence> live)
    {
        var unreadable = live.Where(e => e.Data == DataState.Suspect).ToList();
        var named = live.FirstOrDefault(e => e.Address == facts.Named);
        // The node that a Sentinel majority names was the last to serve: with its data there, nobody else can have more.
        if (facts.Durability != Durability.None && named is { HasData: true }) return null;
        if (unreadable.Count > 0 && facts.Durability != Durability.None)
        {
            return new ElectionDecision.Wait([.. unreadable.Select(e => e.Node)],
                $"the data of {string.Join(", ", unreadable.Select(e => $"{e.Node} ({e.Why})"))} can't be trusted");
        }

        // Nothing can be lost where nothing counts or nothing was ever there; a majority then only avoids needless duels.
        var nothingToLose = facts.Durability == Durability.None
            || (facts.View.Record.Term == 0 && facts.Named is null && live.All(e => e.Data == DataState.Absent));
        var needed = nothingToLose ? SentinelQuorumPolicy.Majority(facts.RedisCount) : facts.RedisCount;
        var present = live.Select(e => e.Node).Distinct(StringComparer.Ordinal).Count();
        if (present >= needed) return null;
        return new ElectionDecision.Wait([$"{needed - present} more node(s)"],
            $"{present} of {facts.RedisCount} nodes are here ({string.Join(", ", live.Select(e => e.Node).Order(StringComparer.Ordinal))}), {needed} are needed to compare disks");
    }

    private static ElectionDecision Choose(ElectionFacts facts, List<CandidateEvidence> live)
    {
        var record = facts.View.Record;
        var anyData = live.Any(e => e.HasData);
        if (!anyData && facts.Durability != Durability.None && record.Term > 0 && record.EmptyStartAllowedInTerm != record.Term)
        {
            return new ElectionDecision.Refuse(AllEmpty,
                $"every disk is empty, though this group has had a master (term {record.Term}); restore a backup, bring a disk back, or allow it with 'redis-bootstrap allow-empty'");
        }

        var counts = facts.Durability != Durability.None;
        var winner = live
            .OrderByDescending(e => counts && e.HasData)
            .ThenByDescending(e => e.Address == facts.Named)
            .ThenByDescending(e => counts ? e.DataBytes : 0)
            .ThenBy(e => e.Node, StringComparer.Ordinal)
            .First();
        var why = anyData && counts
            ? $"{winner.Node} has the best disk of {live.Count} ({winner.DataBytes} bytes{(winner.Address == facts.Named ? ", and was the last to serve" : "")})"
            : $"no disk holds data that counts; {winner.Node} is first of {live.Count}";
        return winner.Uid == facts.Me.Uid
            ? new ElectionDecision.Claim(why)
            : new ElectionDecision.Lost(winner.Node, winner.Address, $"{why}; it is to claim term {record.Term + 1}");
    }

    // A leader without evidence: safe only where no data can be lost.
    private static ElectionDecision Blind(ElectionView view, CandidateEvidence me, Durability durability)
    {
        if (view.Record.Candidate is not { } leader) return new ElectionDecision.Wait(["a leader"], "the elector names no leader yet");
        if (leader != me.Node) return new ElectionDecision.Lost(leader, view.Record.CandidateAddress, $"the elector names {leader}");
        if (durability != Durability.None && me.Data != DataState.Absent)
        {
            return new ElectionDecision.Refuse(BlindBackend,
                $"the elector names me, but it knows no data and my disk is {(me.HasData ? "not empty" : $"unreadable ({me.Why})")}: Sentinels must say who served last");
        }

        return new ElectionDecision.Won(0, "the elector names me, and my disk holds nothing that counts");
    }
}
