using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// The outcome of asking one Sentinel. Closed: <see cref="Known"/>, <see cref="Unknown"/> (it lives, but its answer can't
/// be used) or <see cref="Unreachable"/>. Unknown never counts as a contradiction.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "state")]
[JsonDerivedType(typeof(Known), "known")]
[JsonDerivedType(typeof(Unknown), "unknown")]
[JsonDerivedType(typeof(Unreachable), "unreachable")]
public abstract record SentinelObservation
{
    private SentinelObservation(RedisEndpoint endpoint) => Endpoint = endpoint;

    /// <summary>The address that was asked.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>It answered.</summary>
    public sealed record Known(RedisEndpoint Endpoint, SentinelView View) : SentinelObservation(Endpoint);

    /// <summary>Something listens there, but no usable answer came: no login, garbage, silence after connecting.</summary>
    public sealed record Unknown(RedisEndpoint Endpoint, string Why) : SentinelObservation(Endpoint)
    {
        /// <summary>True where it refused our group's login. For people: nothing is decided from it.</summary>
        [JsonIgnore]
        public bool LoginRefused { get; init; }

        /// <summary>Why there was no reply; null: it replied, or that is not known. For people, as well.</summary>
        [JsonIgnore]
        public RedisFailure? Failure { get; init; }
    }

    /// <summary>Nothing could be connected to.</summary>
    public sealed record Unreachable(RedisEndpoint Endpoint, string Why) : SentinelObservation(Endpoint);
}
