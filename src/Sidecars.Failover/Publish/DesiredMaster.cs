using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>What clients reach a master at.</summary>
/// <param name="External">Outside the cluster: an address or a name; null: not known, and not published there.</param>
/// <param name="Internal">Inside the cluster: an IP address and the port; null: not known, and not published there.</param>
public sealed record MasterAddresses(string? External, RedisEndpoint? Internal);

/// <summary>A process said ROLE=master on a connection that was opened for this question.</summary>
/// <param name="RunId">The process.</param>
/// <param name="SeenAt">Timestamp of its answer.</param>
public sealed record RoleProof(string RunId, long SeenAt);

/// <summary>
/// The master that is to be published, as one decision made it. Immutable: the next decision replaces it, and nobody who carries it out
/// changes it. Closed.
/// </summary>
/// <param name="Master">Its announced address.</param>
/// <param name="Token">Term and epoch in which it is master; the revision is 0: the plan of each target counts its own.</param>
/// <param name="Since">Timestamp of the event, or else of the look, by which it became known.</param>
public abstract record DesiredMaster(RedisEndpoint Master, FencingToken Token, long Since)
{
    /// <summary>The server beside this process, which a majority of the Sentinels names.</summary>
    /// <param name="Master">Its announced address.</param>
    /// <param name="Token">See <see cref="DesiredMaster"/>.</param>
    /// <param name="Addresses">What it is published as.</param>
    /// <param name="Role">Its answer, on which the decision was made.</param>
    /// <param name="Since">See <see cref="DesiredMaster"/>.</param>
    public sealed record Own(RedisEndpoint Master, FencingToken Token, MasterAddresses Addresses, RoleProof Role, long Since)
        : DesiredMaster(Master, Token, Since);

    /// <summary>Another node's master: written only where its own sidecar has not, and looked at before that.</summary>
    /// <param name="Master">Its announced address.</param>
    /// <param name="Token">See <see cref="DesiredMaster"/>.</param>
    /// <param name="Since">See <see cref="DesiredMaster"/>.</param>
    public sealed record Another(RedisEndpoint Master, FencingToken Token, long Since) : DesiredMaster(Master, Token, Since);
}

/// <summary>A desired master, with what a target must know to write it.</summary>
/// <param name="Desired">Whom.</param>
/// <param name="Addresses">What it is published as.</param>
/// <param name="Role">The last proof that it is master.</param>
public sealed record PublishOrder(DesiredMaster Desired, MasterAddresses Addresses, RoleProof Role);

/// <summary>Says, before each try of a target, whether what it carries out is still desired.</summary>
public interface IDesiredMasters
{
    /// <summary>Raised when another master is desired, or none.</summary>
    Signal Changed { get; }

    /// <summary>Whether this order is still to be carried out, and no look since has contradicted it.</summary>
    bool IsWanted(PublishOrder order);

    /// <summary>Looks at the server beside this process; null where it is not proven to be the desired master now.</summary>
    Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation);

    /// <summary>The last proof, where it is recent enough to raise a revision by; null: there is none.</summary>
    RoleProof? RecentProof(DesiredMaster desired);
}
