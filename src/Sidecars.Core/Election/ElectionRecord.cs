using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>The master that was last seen to serve, as its own sidecar reported it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Uid">Its pod.</param>
/// <param name="Address">Where it listened.</param>
/// <param name="Token">The token it served under.</param>
/// <param name="ReplicationId">Its replication id.</param>
/// <param name="Offset">
/// An offset that its marker held durably before it was reported: its disk holds at least this, or was rolled back.
/// </param>
public sealed record ServingMaster(
    string Node, string Uid, RedisEndpoint Address, FencingToken Token, ReplicationId ReplicationId, long Offset);

/// <summary>A replica that was in sync with the last serving master.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Uid">Its pod.</param>
/// <param name="Offset">
/// An offset that it had acknowledged at least <see cref="Marker.EarlierBy"/> before the report, so that its own marker has it.
/// </param>
public sealed record InSyncReplica(string Node, string Uid, long Offset);

/// <summary>
/// The group's shared record: who may become master, and who was. Changed by compare-and-swap only; its term and its highest
/// epoch never go back. The <em>candidate</em> was chosen; <see cref="LastServing"/> was seen to serve: a candidate that dies before
/// it serves leaves the previous one in force.
/// </summary>
public sealed record ElectionRecord
{
    /// <summary>Most replicas in <see cref="InSync"/>: as many as REDIS_COUNT may say.</summary>
    public const int MaxInSync = 32;

    internal const string ServingPart = "last-serving";
    internal const string WordPart = "persons-word";
    internal const string LineagePart = "lineage";

    /// <summary>Raised by one with every election; 0 means that this group never had one (a first installation).</summary>
    public long Term { get; init; }

    /// <summary>Node name of the candidate of this term, or null.</summary>
    public string? Candidate { get; init; }

    /// <summary>Its pod.</summary>
    public string? CandidateUid { get; init; }

    /// <summary>Its process: a container that restarted is another candidate.</summary>
    public string? CandidateIncarnation { get; init; }

    /// <summary>Where it listens once it serves.</summary>
    public RedisEndpoint? CandidateAddress { get; init; }

    /// <summary>A person allowed an empty start out of this term (<c>redis-bootstrap allow-empty</c>); good for one election.</summary>
    public long? EmptyStartAllowedInTerm { get; init; }

    /// <summary>
    /// The node whose data a person declared the group's (<c>redis-bootstrap trust</c>): it alone may win the next election; good for one.
    /// </summary>
    public string? Trusted { get; init; }

    /// <summary>The last term that began by a person's word; null where none ever did.</summary>
    public PersonsWord? Word { get; init; }

    /// <summary>Highest Sentinel epoch that was ever reported.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>Null before the first report, and where no sidecar reports.</summary>
    public ServingMaster? LastServing { get; init; }

    /// <summary>Replicas in sync with <see cref="LastServing"/>; null where unknown, which is not none.</summary>
    public ImmutableArray<InSyncReplica>? InSync { get; init; }

    /// <summary>Replication ids of the group's masters, ascending, as the last serving one knew them.</summary>
    public ImmutableArray<LineageEntry> History { get; init; } = [];

    /// <summary>Nonce of the round of evidence that is under way, where the backend needs one to tell new evidence from old.</summary>
    public string? Round { get; init; }

    /// <summary>
    /// The first part that can't be, and why; null where the record agrees with itself. A term or an epoch below what was already given
    /// out means an edit or an old copy: every fence built on it would fail.
    /// </summary>
    internal (string Part, string Why)? Contradiction =>
        Candidate is not null && (CandidateUid is null || CandidateIncarnation is null || CandidateAddress is null)
            ? ("candidate", "is incomplete")
        : LastServing?.Token.Term > Term ? (ServingPart, "has a term above the group's")
        : LastServing?.Token.Epoch > HighestEpoch ? (ServingPart, "has an epoch above the group's highest")
        : Word?.Term > Term ? (WordPart, "has a term above the group's")
        : History.Any(e => e.Position.Term > Term) ? (LineagePart, "has a term above the group's")
        : null;

    /// <summary>Begins the next term, with this node as its candidate.</summary>
    /// <param name="mine">The candidate.</param>
    /// <param name="highestTerm">Highest term found anywhere: a record that was lost starts above it.</param>
    /// <param name="word">The person's word that the claim stands on; null where it needs none.</param>
    public ElectionRecord Claimed(CandidateEvidence mine, long highestTerm, PersonsWordKind? word) => this with
    {
        Term = Math.Max(Term, highestTerm) + 1,
        Word = word is { } kind ? new PersonsWord(kind, mine.Node, Math.Max(Term, highestTerm) + 1) : Word,
        Trusted = null,
        Candidate = mine.Node,
        CandidateUid = mine.Uid,
        CandidateIncarnation = mine.Incarnation,
        CandidateAddress = mine.Address,
        EmptyStartAllowedInTerm = null,
        HighestEpoch = Math.Max(HighestEpoch, mine.HighestEpoch),
    };

    /// <summary>
    /// The record after a person trusted a node. Its term is above every one that is known, so that the word covers whatever was accepted
    /// before it.
    /// </summary>
    /// <param name="node">Whose data are the group's.</param>
    /// <param name="highestTerm">Highest term found anywhere.</param>
    public ElectionRecord Trusting(string node, long highestTerm)
    {
        var term = Math.Max(Term, highestTerm) + 1;
        return this with
        { Term = term, Trusted = node, Word = new PersonsWord(PersonsWordKind.Trust, node, term), EmptyStartAllowedInTerm = null };
    }

    /// <summary>
    /// The record after a master reported that it serves; null where an equal or later token of another node stands, which a
    /// late report must not undo.
    /// </summary>
    public ElectionRecord? Reported(ServingReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var serving = report.Serving;
        if (serving.Token.Term < Term && Candidate is not null && Candidate != serving.Node) return null;
        if (LastServing is { } last && (serving.Token < last.Token || (serving.Token == last.Token && serving.Node != last.Node)))
            return null;
        // What was true of a replication id stays true: an offset that a restart of the reporter forgot is not taken back.
        var known = LastServing is { } before && before.ReplicationId == serving.ReplicationId && before.Node == serving.Node
            && before.Offset > serving.Offset
            ? serving with { Offset = before.Offset }
            : serving;
        return this with
        {
            Term = Math.Max(Term, serving.Token.Term),
            HighestEpoch = Math.Max(HighestEpoch, Math.Max(serving.Token.Epoch, report.HighestEpoch)),
            LastServing = known,
            InSync = report.InSync,
            History = report.History,
            Candidate = null,
            CandidateUid = null,
            CandidateIncarnation = null,
            CandidateAddress = null,
            // Said after the claim, while a backup could not be restored: the term began by it all the same.
            Word = EmptyStartAllowedInTerm == Term ? new PersonsWord(PersonsWordKind.AllowEmpty, serving.Node, Term) : Word,
            EmptyStartAllowedInTerm = null,
            Trusted = null,
            Round = null,
        };
    }
}

/// <summary>What the sidecar of a serving master reports.</summary>
/// <param name="Serving">The master itself.</param>
/// <param name="InSync">Its replicas in sync; null where unknown.</param>
/// <param name="History">The lineage, its own replication id last.</param>
/// <param name="HighestEpoch">Highest epoch that it saw.</param>
public sealed record ServingReport(
    ServingMaster Serving, ImmutableArray<InSyncReplica>? InSync, ImmutableArray<LineageEntry> History, long HighestEpoch);

/// <summary>The state of an election as one read of its backend shows it.</summary>
public sealed record ElectionView
{
    /// <summary>The record; the default one where none was ever written.</summary>
    public required ElectionRecord Record { get; init; }

    /// <summary>Opaque; a claim succeeds only on the version that it was decided on.</summary>
    public required string Version { get; init; }

    /// <summary>True while the candidate's process is known to live, bootstrap and server alike.</summary>
    public bool CandidateAlive { get; init; }

    /// <summary>Evidence of all nodes, mine included.</summary>
    public ImmutableArray<CandidateEvidence> Evidence { get; init; } = [];

    /// <summary>False for a backend that only names a leader and knows no data (the leader-elector side-car).</summary>
    public bool CarriesEvidence { get; init; } = true;

    /// <summary>Highest term in the record and in all evidence.</summary>
    [JsonIgnore]
    public long HighestTerm => Evidence.Select(e => e.Token.Term).Append(Record.Term).Max();
}

/// <summary>The outcome of reading an election backend. Closed.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unavailable), "unavailable")]
public abstract record ElectionObservation
{
    private ElectionObservation()
    {
    }

    /// <summary>It answered.</summary>
    public sealed record Known(ElectionView View) : ElectionObservation;

    /// <summary>It did not, or its answer can't be used.</summary>
    public sealed record Unavailable(string Why) : ElectionObservation;
}

/// <summary>The outcome of a claim or of a report. Closed.</summary>
public abstract record ClaimOutcome
{
    private ClaimOutcome()
    {
    }

    /// <summary>The record now says so.</summary>
    public sealed record Won(long Term) : ClaimOutcome;

    /// <summary>Somebody was faster, or the record says something later: read again.</summary>
    public sealed record Lost(string Why) : ClaimOutcome;

    /// <summary>Nothing is known of the outcome: read again.</summary>
    public sealed record Unavailable(string Why) : ClaimOutcome;
}
