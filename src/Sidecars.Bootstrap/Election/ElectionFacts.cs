using System.Collections.Immutable;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>What an election comes to for the node that asks; a closed set.</summary>
public abstract record ElectionDecision
{
    private ElectionDecision(string reason) => Reason = reason;

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>I am to claim the record, and become candidate of its next term if that succeeds.</summary>
    public sealed record Claim(string Reason) : ElectionDecision(Reason)
    {
        /// <summary>Nobody has any data: the winner restores a backup before it serves.</summary>
        public bool RestoreFirst { get; init; }

        /// <summary>The person's word that the claim stands on, to be recorded with its term; null where it needs none.</summary>
        public PersonsWordKind? Word { get; init; }
    }

    /// <summary>I am the candidate: start.</summary>
    public sealed record Won(long Term, string Reason) : ElectionDecision(Reason);

    /// <summary>Another is, or is about to be: wait until it serves.</summary>
    public sealed record Lost(string Winner, RedisEndpoint? Address, string Reason) : ElectionDecision(Reason);

    /// <summary>Facts are missing that come by themselves.</summary>
    public sealed record Wait(ImmutableArray<string> WaitingFor, string Reason) : ElectionDecision(Reason);

    /// <summary>What is known forbids an election; a person, a restore or a missing node's return changes that.</summary>
    public sealed record Refuse(string Code, string Reason) : ElectionDecision(Reason);
}

/// <summary>The address that a majority of Sentinels names, and in which epoch.</summary>
public sealed record NamedMaster(RedisEndpoint Address, long Epoch);

/// <summary>What an election is decided from.</summary>
/// <param name="View">The backend's state.</param>
/// <param name="Me">My evidence, as published.</param>
/// <param name="RedisCount">How many Redis nodes there should be (<c>REDIS_COUNT</c>).</param>
/// <param name="Durability">What the tenant expects of its disks.</param>
/// <param name="Named">What a Sentinel majority says, or null where there is no majority.</param>
/// <param name="IsUnclean">
/// A person set <c>UNCLEAN_ELECTION_AFTER</c>, and that long this node has waited: go on without what is missing, with the best of
/// what is there.
/// </param>
/// <param name="IsLastMasterOverdue">
/// This node has waited for the last serving master as long as it should (<c>LAST_MASTER_WAIT</c>): go on with those that were in
/// sync with it. Its disk may hold writes that it acknowledged and never sent.
/// </param>
public sealed record ElectionFacts(ElectionView View, CandidateEvidence Me, int RedisCount, Durability Durability, NamedMaster? Named,
    bool IsUnclean = false, bool IsLastMasterOverdue = true)
{
    /// <summary>
    /// How many nodes the election counts with: while a group grows or shrinks both sizes live, and of them the larger decides, so that
    /// no two parts of it are a majority each by its own setting.
    /// </summary>
    public int GroupSize => View.Evidence.Where(e => e.Live).Select(e => e.RedisCount).Append(RedisCount).Max();

    /// <summary><c>RESTORE_ON_EMPTY</c>: where every disk of the group was emptied, the winner of the election restores a backup.</summary>
    public bool RestoresBackups { get; init; }
}
