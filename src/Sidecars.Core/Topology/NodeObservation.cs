using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Topology;

/// <summary>
/// The outcome of asking one Redis. Closed: <see cref="Known"/>, <see cref="Unknown"/> (something listens, but its answer
/// can't be used) or <see cref="Unreachable"/>. An unreachable node is not a dead node.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unknown), "unknown")]
[JsonDerivedType(typeof(Unreachable), "unreachable")]
public abstract record NodeObservation
{
    private NodeObservation(RedisEndpoint endpoint) => Endpoint = endpoint;

    /// <summary>The address that was asked.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>It answered, and our group's login works there, so it is of our group.</summary>
    public sealed record Known(RedisEndpoint Endpoint, NodeLook View) : NodeObservation(Endpoint)
    {
        /// <summary>The address it is known by in the group: the announced one, whatever address it was asked at.</summary>
        public RedisEndpoint Address => View.Announced ?? Endpoint;

        /// <summary>
        /// True for a replica whose master is the address that it announces itself, which came to it when it was another pod's: its link
        /// never comes up, and nobody is its master. A link that is up leads to another process behind that address.
        /// </summary>
        [JsonIgnore]
        public bool FollowsItself => View is { Role: NodeRole.Replica, MasterLinkUp: false } && View.MasterAddress == Address;
    }

    /// <summary>Something listens there, but no usable answer came.</summary>
    /// <param name="Endpoint">The address that was asked.</param>
    /// <param name="LoginRefused">True where it refused our group's login: another tenant's, or a wrong password.</param>
    /// <param name="Why">In words.</param>
    public sealed record Unknown(RedisEndpoint Endpoint, bool LoginRefused, string Why) : NodeObservation(Endpoint)
    {
        /// <summary>Why there was no reply; null: it replied, or that is not known. For people: nothing is decided from it.</summary>
        [JsonIgnore]
        public RedisFailure? Failure { get; init; }
    }

    /// <summary>No connection: refused, no route, or no answer to the connect within its deadline.</summary>
    public sealed record Unreachable(RedisEndpoint Endpoint, string Why) : NodeObservation(Endpoint);
}

/// <summary>A Redis's role as INFO reports it.</summary>
public enum NodeRole
{
    /// <summary>Accepts writes (unless fenced).</summary>
    Master,

    /// <summary>Follows <see cref="NodeLook.MasterAddress"/>.</summary>
    Replica,
}
