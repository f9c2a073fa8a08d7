using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>Who is master, as it is to be read by clients.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Token">Orders the writers.</param>
/// <param name="Outside">What clients outside reach it at: an address or a name; null: not known, and not published there.</param>
/// <param name="Inside">What clients inside the cluster reach it at: an IP address and the port; null: not known.</param>
public sealed record MasterPublication(ClusterId Cluster, FencingToken Token, string? Outside, RedisEndpoint? Inside);

/// <summary>What a place shows now.</summary>
/// <param name="Token">With which token.</param>
/// <param name="Address">Whom.</param>
public sealed record PublishedMaster(FencingToken Token, string Address);

/// <summary>What publishing at one place came to. Closed; <see cref="Code"/> is a label of metrics.</summary>
public abstract record PublishOutcome(string Code, string Reason)
{
    /// <summary>Written by one call that changed it.</summary>
    /// <param name="Code">Why it was due.</param>
    /// <param name="Reason">In words.</param>
    /// <param name="ChangeId">For <see cref="IMasterPublisher.IsEverywhereAsync"/>; "": what is written is everywhere.</param>
    public sealed record Written(string Code, string Reason, string ChangeId = "") : PublishOutcome(Code, Reason);

    /// <summary>It stood there already.</summary>
    public sealed record UpToDate(string Reason) : PublishOutcome("up-to-date", Reason);

    /// <summary>A newer token stands there: not written.</summary>
    public sealed record Superseded(PublishedMaster By, string Reason) : PublishOutcome("superseded", Reason);

    /// <summary>The same token stands there for another address: not written.</summary>
    public sealed record Contested(PublishedMaster By, string Reason) : PublishOutcome("contested", Reason);

    /// <summary>Not ours to write; a person decides.</summary>
    public sealed record Refused(string Code, string Reason) : PublishOutcome(Code, Reason);
}

/// <summary>
/// One place where the master is published. Each fails alone. A publisher never replaces a newer token, and neither exits nor gives
/// up: it tries until it is settled or cancelled.
/// </summary>
public interface IMasterPublisher
{
    /// <summary>Short, a label of metrics: <c>route53</c>, <c>dns-endpoint</c>, <c>zone-file</c>, <c>endpoint-slice</c>.</summary>
    string Name { get; }

    /// <summary>For people: which zone or Service.</summary>
    string Description { get; }

    /// <summary>Whether it can say this of a master at all: an address outside, an address inside.</summary>
    bool CanPublish(MasterPublication publication);

    /// <summary>What it calls this master; "" where it can't publish it.</summary>
    string AddressOf(MasterPublication publication);

    /// <summary>Reads what stands there, and remembers it, so that the next write needs no read. Null: nothing, or nothing of ours.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    Task<PublishedMaster?> LookAsync(CancellationToken cancellation);

    /// <summary>Whether all servers of the place know a change that was written; null: it can't be asked now.</summary>
    Task<bool?> IsEverywhereAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);

    /// <summary>Publishes.</summary>
    /// <param name="wanted">Read anew before each try: it may learn of a newer master while it waits. Null: no longer ours to publish, it stops.</param>
    /// <param name="fresh">Look first, whatever is remembered.</param>
    /// <param name="cancellation">The only other end.</param>
    Task<PublishOutcome?> PublishAsync(Func<MasterPublication?> wanted, bool fresh, CancellationToken cancellation);
}
