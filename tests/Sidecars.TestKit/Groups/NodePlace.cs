using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.Groups;

/// <summary>Where a node is.</summary>
/// <param name="Endpoint">Where it is reached and what it announces.</param>
/// <param name="Enter">
/// A program and arguments that replace themselves with what follows them, so that the process id stays:
/// <c>nsenter --net=…</c>. Empty: this machine as it is.
/// </param>
public sealed record NodePlace(RedisEndpoint Endpoint, ImmutableArray<string> Enter)
{
    /// <summary>Another address that leads to it: its pod's own, where <see cref="Endpoint"/> is a Service's. Null: none.</summary>
    public RedisEndpoint? Own { get; init; }

    /// <summary>A free loopback port.</summary>
    public static NodePlace Loopback(int port) => new(new RedisEndpoint("127.0.0.1", port), []);

    /// <summary>A free port of any other loopback address: what a new pod's address is.</summary>
    public static NodePlace Loopback(string host, int port) => new(new RedisEndpoint(host, port), []);
}
