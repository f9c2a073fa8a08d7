using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Election;

/// <summary>Whether a node with data may follow a master, which will replace them; a closed set.</summary>
internal abstract record FollowVerdict
{
    private FollowVerdict(string reason) => Reason = reason;

    public string Reason { get; }

    /// <summary>The node may follow.</summary>
    /// <param name="Token">What is known of the master's token.</param>
    /// <param name="RescueFirst">Why my data are to be kept first; null where the master provably has them.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Allowed(FencingToken Token, string? RescueFirst, string Reason) : FollowVerdict(Reason);

    /// <summary>The group's record may tell; read it.</summary>
    public sealed record Consult(string Reason) : FollowVerdict(Reason);

    /// <summary>Nothing vouches for the master against what I know; that may change.</summary>
    public sealed record Unproven(string Reason) : FollowVerdict(Reason);

    /// <summary>What is known speaks against it; a person's word can settle it.</summary>
    /// <param name="Code">Stable, for machines.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Refused(string Code, string Reason) : FollowVerdict(Reason);
}

/// <summary>
/// Whether a master's data may replace mine. Refused where that is known to destroy what nobody else has: the master serves an older
/// stream; the replication id of my data is known, and absent from the master's recorded lineage; the master is empty and nothing tells
/// what my data are. A person's word, given after my data were accepted, covers all three. A tail that diverged from a known id, and data
/// without a marker, are kept as a rescue first. What is not recorded is waited for: unknown is not contradicted. Pure.
/// </summary>
/// <remarks>
/// Neither a Sentinel majority nor a higher term overrules a foreign lineage: a lost record lets a group begin anew in a term that looks
/// as good as the old one. Data without a marker follow only a master with keys that a Sentinel majority or the record names.
/// </remarks>
internal static class FollowPolicy
{
    /// <summary>Refusal: the master serves a stream that came before that of my data.</summary>
    public const string Older = "master-older";

    /// <summary>Refusal: the master's lineage is recorded, and never had the stream of my data.</summary>
    public const string Foreign = "master-foreign";

    /// <summary>Refusal: the master is empty, and I have data of no known stream.</summary>
    public const string Empty = "master-empty";

    private const string Remedy =
        "'redis-bootstrap trust NODE' with that master's name says that its data count (mine are kept as a rescue)";

    /// <summary>Judges one master.</summary>
    /// <param name="me">My evidence.</param>
    /// <param name="durability">With <see cref="Durability.None"/> nothing is lost by following.</param>
    /// <param name="master">The master, as observed.</param>
    /// <param name="namedEpoch">The epoch in which a Sentinel majority names it; null where none does.</param>
    /// <param name="election">The group's record, where it was read.</param>
    /// <param name="isRecordLongAway">
    /// The record has been unreadable or silent for as long as this node waits for what comes by itself.
    /// </param>
    public static FollowVerdict Judge(
        CandidateEvidence me, Durability durability, NodeObservation.Known master, long? namedEpoch, ElectionObservation? election,
        bool isRecordLongAway = false)
    {
        var view = (election as ElectionObservation.Known)?.View;
        var token = me.Token with { Epoch = Math.Max(me.Token.Epoch, namedEpoch ?? 0) };
        if (durability == Durability.None || me.Data == DataState.Absent)
            return new FollowVerdict.Allowed(token, null, "I have no data to lose");
        var history = LineageHistory.TryCreate(me.History, out var known) ? known : LineageHistory.Empty;
        var marked = MarkedPosition(me);
        if (me.Data == DataState.Empty && marked is null) return new FollowVerdict.Allowed(token, null, "my files hold no key");

        var rescue = Rescue(me, master.View);
        if (view is not null && Covers(view, me, master, namedEpoch))
        {
            return new FollowVerdict.Allowed(At(token, view), rescue, $"a person's word covers it ({view.Record.Word})");
        }

        var mine = me.Position is { } p ? history.Find(p.At.Id) as LineageLookup.Recorded : null;
        var theirs = ReplicationId.TryParse(master.View.ReplicationId, out var id) ? history.Find(id) as LineageLookup.Recorded : null;
        // My own memory is certain: its stream came before the one that my data are of.
        if (mine is not null && theirs is not null && theirs.Entry.Position < mine.Entry.Position)
            return IsOlder(master, theirs.Entry.Position, me, mine.Entry.Position, election);
        if (Continues(me, master.View)) return new FollowVerdict.Allowed(token, rescue, "its replication id continues that of my data");
        // Half a copy of a master has no position, and a memory that ends with that master.
        if (theirs is not null && theirs.Entry == history.Newest)
            return new FollowVerdict.Allowed(token, rescue, "it serves the newest replication id that I know");
        if (theirs is not null && mine is not null)
            return new FollowVerdict.Allowed(token, rescue, "I know its replication id, and my data are not newer");
        if (marked is null && namedEpoch >= me.Token.Epoch && master.View.Keys > 0)
            return new FollowVerdict.Allowed(token, rescue, $"Sentinels name it in epoch {namedEpoch}, and it has data");
        // These files hold no key to lose. If a flush emptied them, it is not newer than the epoch that names that master.
        if (me.Data == DataState.Empty && namedEpoch >= me.Token.Epoch)
            return new FollowVerdict.Allowed(token, rescue, $"my files hold no key, and Sentinels name it in epoch {namedEpoch}");
        if (election is null)
            return new FollowVerdict.Consult($"my own memory does not tell whether {master.Address} has the data that are here");
        return marked is { } position
            ? ByLineage(me, position, mine?.Entry.Position, master, namedEpoch, election, isRecordLongAway, token, rescue)
            : WithoutMarker(me, master, view, token, rescue);
    }

    /// <summary>True where the record says that this very master has a token at least as high as mine, or a person trusts it.</summary>
    public static bool Vouches(ElectionView view, CandidateEvidence me, NodeObservation.Known master) =>
        IsTrusted(view, master)
        || (IsRecorded(view.Record, master) && (view.Record.CandidateAddress == master.Address
            ? view.Record.Term >= me.Token.Term
            : view.Record.LastServing is { } last && (last.Token.Term, last.Token.Epoch).CompareTo((me.Token.Term, me.Token.Epoch)) >= 0));

    private static FollowVerdict ByLineage(
        CandidateEvidence me, ReplicationPosition mine, LineagePosition? at, NodeObservation.Known master, long? namedEpoch,
        ElectionObservation election, bool isRecordLongAway, FencingToken token, string? rescue)
    {
        var view = (election as ElectionObservation.Known)?.View;
        if (view is { CarriesEvidence: true } && MasterLineage.Of(view, master) is { } lineage)
        {
            // The group may have gone on without an id that nobody followed: then the one that the data are still of decides.
            var id = lineage.Knows(mine.Id, at) || me.StillOf is not { } before || !lineage.Knows(before, null) ? mine.Id : before;
            if (!lineage.Knows(id, at))
            {
                return new FollowVerdict.Refused(Foreign,
                    $"the data here are of replication id {mine.Id.Short} ({me.Token}), "
                    + $"which the recorded lineage of {master.Address} never had: "
                    + $"it would destroy what nobody else has; {Remedy}");
            }

            var (theirs, ours) = (lineage.PositionOf(master.View.ReplicationId), lineage.PositionOf(id.ToString()));
            return theirs is { } served && ours is { } held && served < held
                ? IsOlder(master, served, me, held, election)
                : new FollowVerdict.Allowed(At(token, view), rescue, id == mine.Id
                    ? "its recorded lineage has the replication id of my data"
                    : $"its recorded lineage has replication id {id.Short}, and no write was accepted here since {mine.Id.Short} began");
        }

        // Nobody has recorded what the master's data came from. Where the record is of my line, and where there is none, a Sentinel
        // majority is believed. Where the record knows neither of us, or can't be read, wait for the master's sidecar to write it, but only
        // for a while: unknown does not contradict, and a rescue keeps the data.
        var ofMyLine = view is { CarriesEvidence: true } && view.Record.History.Any(e => e.Id == mine.Id || e.Id == me.StillOf);
        var nothingToWaitFor = ofMyLine || view is { CarriesEvidence: false } || isRecordLongAway;
        if (nothingToWaitFor && namedEpoch >= me.Token.Epoch && master.View.Keys > 0)
            return new FollowVerdict.Allowed(token, rescue, $"Sentinels name it in epoch {namedEpoch}, mine is {me.Token.Epoch}");
        if (ofMyLine && Vouches(view!, me, master))
            return new FollowVerdict.Allowed(At(token, view!), rescue, "the group's record names it");
        return new FollowVerdict.Unproven(
            $"nothing tells whether {master.Address} (replication id {Short(master.View.ReplicationId)}, {master.View.Keys} keys) "
            + $"ever had the data here, of {mine.Id.Short} ({me.Token})"
            + (namedEpoch is { } epoch ? $"; Sentinels name it in epoch {epoch}" : ""));
    }

    private static FollowVerdict WithoutMarker(
        CandidateEvidence me, NodeObservation.Known master, ElectionView? view, FencingToken token, string? rescue)
    {
        if (master.View.Keys == 0 && master.View.Loading) return new FollowVerdict.Unproven($"{master.Address} is loading its data");
        if (master.View.Keys == 0)
        {
            return new FollowVerdict.Refused(Empty,
                $"{master.Address} has no keys, and it is not known what my {me.DataBytes} bytes of data are: "
                + $"an empty master must not replace them; {Remedy}");
        }

        return view is not null && Vouches(view, me, master)
            ? new FollowVerdict.Allowed(At(token, view), rescue, "the group's record names it, and it has data")
            : new FollowVerdict.Unproven(
                $"it is not known what my {me.DataBytes} bytes of data are, and neither a Sentinel majority nor the group's record "
                + $"names {master.Address}");
    }

    // Whom the record stands for serves in its term.
    private static FencingToken At(FencingToken token, ElectionView view) => token with { Term = Math.Max(token.Term, view.Record.Term) };

    // A dump that came with a full copy names the stream of that moment; what was written since is of it too only where a marker says so.
    private static ReplicationPosition? MarkedPosition(CandidateEvidence me) =>
        me.Position is { } position && (position.Source == PositionSource.Marker || me.History.Length > 0) ? position.At : null;

    // Said after my data were accepted, and this is the master that the group went on with. Data of which nothing is known were
    // perhaps put here after it: for them only the word about that very master counts.
    private static bool Covers(ElectionView view, CandidateEvidence me, NodeObservation.Known master, long? namedEpoch) =>
        view.Record.Word is { } word && word.Covers(me.Token) && word.Node != me.Node
        && (MarkedPosition(me) is null
            ? IsTrusted(view, master)
            : namedEpoch is not null || IsRecorded(view.Record, master) || IsTrusted(view, master));

    private static bool IsTrusted(ElectionView view, NodeObservation.Known master) =>
        view.Record.Word is { Kind: PersonsWordKind.Trust, Node: var node }
        && ((view.Record.LastServing is { } last && last.Node == node && last.Address == master.Address)
            || (view.Record.Candidate == node && view.Record.CandidateAddress == master.Address)
            || view.Evidence.Any(e => e.Node == node && e.Address == master.Address));

    private static bool IsRecorded(ElectionRecord record, NodeObservation.Known master) =>
        record.CandidateAddress == master.Address
        || (record.LastServing is { } last && last.Address == master.Address && last.ReplicationId.ToString() == master.View.ReplicationId);

    // The record may hold a person's word; it is read before the refusal.
    private static FollowVerdict IsOlder(
        NodeObservation.Known master, LineagePosition theirs, CandidateEvidence me, LineagePosition mine, ElectionObservation? election)
    {
        var why = $"{master.Address} serves replication id {Short(master.View.ReplicationId)} at {theirs}, "
            + $"and my data are of {me.Position!.At.Id.Short} at {mine}: it would wipe newer data";
        return election is null ? new FollowVerdict.Consult(why) : new FollowVerdict.Refused(Older, $"{why}; {Remedy}");
    }

    private static string Short(string id) => id.Length >= 8 ? id[..8] : "unknown";

    private static bool Continues(CandidateEvidence me, NodeLook master) =>
        me.Position is { } position
        && (master.ReplicationId == position.At.Id.ToString() || master.PreviousReplicationId == position.At.Id.ToString());

    // A replica's data came out of the master's stream; what a failed master wrote last may be in no stream that lives.
    private static string? Rescue(CandidateEvidence me, NodeLook master)
    {
        if (me.Data == DataState.Empty) return null;
        if (me.Position is not { } position) return $"it is not known what my {me.DataBytes} bytes of data are";
        if (master.ReplicationId == position.At.Id.ToString()) return null;
        if (master.PreviousReplicationId == position.At.Id.ToString() && position.Upper is { } upper && upper < master.PreviousEnded)
            return null;
        return $"the master may lack what I have of {position.At}";
    }
}
