using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>
/// The group's shared record: who may become master. Changed by compare-and-swap only; its term never goes back.
/// </summary>
public sealed record ElectionRecord
{
    /// <summary>Raised by one with every election; 0 means that this group never had one (a first installation).</summary>
    public long Term { get; init; }

    /// <summary>Node name of the candidate of this term, or null.</summary>
    public string? Candidate { get; init; }

    /// <summary>Its incarnation.</summary>
    public string? CandidateUid { get; init; }

    /// <summary>Where it listens once it serves.</summary>
    public RedisEndpoint? CandidateAddress { get; init; }

    /// <summary>A person allowed an empty start out of this term (<c>redis-bootstrap allow-empty</c>); good for one election.</summary>
    public long? EmptyStartAllowedInTerm { get; init; }
}

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

/// <summary>The outcome of a claim. Closed.</summary>
public abstract record ClaimOutcome
{
    private ClaimOutcome()
    {
    }

    /// <summary>The record now names us.</summary>
    public sealed record Won(long Term) : ClaimOutcome;

    /// <summary>Somebody was faster, or the record changed: read again.</summary>
    public sealed record Lost(string Why) : ClaimOutcome;

    /// <summary>Nothing is known of the outcome: read again.</summary>
    public sealed record Unavailable(string Why) : ClaimOutcome;
}
