using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Election;

/// <summary>Whether a node with data may follow a master, which will replace them; a closed set.</summary>
internal abstract record FollowVerdict
{
    private FollowVerdict(string reason) => Reason = reason;

    public string Reason { get; }

    /// <summary>Yes.</summary>
    /// <param name="Token">What is known of the master's token.</param>
    /// <param name="RescueFirst">Why my data are to be kept first; null where the master provably has them.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Allowed(FencingToken Token, string? RescueFirst, string Reason) : FollowVerdict(Reason);

    /// <summary>The group's record may tell; read it.</summary>
    public sealed record Consult(string Reason) : FollowVerdict(Reason);

    /// <summary>Nothing vouches for the master against what I know; that may change.</summary>
    public sealed record Unproven(string Reason) : FollowVerdict(Reason);

    /// <summary>The master's data are older than mine.</summary>
    public sealed record Older(string Reason) : FollowVerdict(Reason);
}

/// <summary>
/// A node with data follows only a token at least as high as its own: a zombie that is the only reachable peer would wipe
/// newer data. What vouches for a master: a Sentinel majority in an epoch that is not below mine; a replication id that continues
/// my own; the group's record. Pure.
/// </summary>
internal static class FollowPolicy
{
    /// <summary>Judges one master.</summary>
    /// <param name="me">My evidence.</param>
    /// <param name="durability">With <see cref="Durability.None"/> nothing is lost by following.</param>
    /// <param name="master">What it answered.</param>
    /// <param name="namedEpoch">The epoch in which a Sentinel majority names it; null where none does.</param>
    /// <param name="election">The group's record, where it was read.</param>
    public static FollowVerdict Judge(CandidateEvidence me, Durability durability, NodeObservation.Known master, long? namedEpoch, ElectionObservation? election)
    {
        var record = (election as ElectionObservation.Known)?.View.Record;
        var token = me.Token with { Epoch = Math.Max(me.Token.Epoch, namedEpoch ?? 0) };
        if (durability == Durability.None || me.Data == DataState.Absent) return new FollowVerdict.Allowed(token, null, "I have no data to lose");

        var history = LineageHistory.TryCreate(me.History, out var known) ? known : LineageHistory.Empty;
        var mine = me.Position is { } p ? history.Find(p.At.Id) as LineageLookup.Recorded : null;
        var theirs = ReplicationId.TryParse(master.View.ReplicationId, out var id) ? history.Find(id) as LineageLookup.Recorded : null;
        var rescue = Rescue(me, master.View);

        // My own memory is certain: its stream came before the one that my data are of.
        if (mine is not null && theirs is not null && theirs.Entry.Position < mine.Entry.Position)
        {
            return new FollowVerdict.Older(
                $"{master.Address} serves replication id {id.Short} at {theirs.Entry.Position}, and my data are of {mine.Entry.Id.Short} at {mine.Entry.Position}: it would wipe newer data");
        }

        if (me.Token == FencingToken.None) return new FollowVerdict.Allowed(token, rescue, "I hold no token");
        if (namedEpoch >= me.Token.Epoch) return new FollowVerdict.Allowed(token, rescue, $"Sentinels name it in epoch {namedEpoch}, mine is {me.Token.Epoch}");
        if (Continues(me, master.View)) return new FollowVerdict.Allowed(token, rescue, "its replication id continues that of my data");
        // Half a copy of a master has no position, and a memory that ends with that master.
        if (theirs is not null && theirs.Entry == history.Newest) return new FollowVerdict.Allowed(token, rescue, "it serves the newest replication id that I know");
        if (theirs is not null && mine is not null) return new FollowVerdict.Allowed(token, rescue, "I know its replication id, and my data are not newer");
        if (record is not null && Vouches(record, me, master)) return new FollowVerdict.Allowed(token with { Term = Math.Max(token.Term, record.Term) }, rescue, "the group's record names it");
        var why = $"{master.Address} is master of replication id {(master.View.ReplicationId.Length >= 8 ? master.View.ReplicationId[..8] : "unknown")}, which my token {me.Token} does not know"
            + (namedEpoch is { } epoch ? $", and Sentinels name it in epoch {epoch} only" : "");
        return election is null ? new FollowVerdict.Consult(why) : new FollowVerdict.Unproven(why);
    }

    /// <summary>True where the record says that this very master has a token at least as high as mine.</summary>
    public static bool Vouches(ElectionRecord record, CandidateEvidence me, NodeObservation.Known master) =>
        (record.CandidateAddress == master.Address && record.Term >= me.Token.Term)
        || (record.LastServing is { } last && last.Address == master.Address && last.ReplicationId.ToString() == master.View.ReplicationId
            && (last.Token.Term, last.Token.Epoch).CompareTo((me.Token.Term, me.Token.Epoch)) >= 0);

    private static bool Continues(CandidateEvidence me, NodeView master) =>
        me.Position is { } position && (master.ReplicationId == position.At.Id.ToString() || master.PreviousReplicationId == position.At.Id.ToString());

    // A replica's data came out of the master's stream; what a failed master wrote last may be in no stream that lives.
    private static string? Rescue(CandidateEvidence me, NodeView master)
    {
        if (me.Data == DataState.Empty) return null;
        if (me.Position is not { } position) return $"it is not known what my {me.DataBytes} bytes of data are";
        if (master.ReplicationId == position.At.Id.ToString()) return null;
        if (master.PreviousReplicationId == position.At.Id.ToString() && position.Upper is { } upper && upper < master.PreviousEnded) return null;
        return $"the master may lack what I have of {position.At}";
    }
}
