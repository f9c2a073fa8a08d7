using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Topology;

/// <summary>
/// Turns the configured hosts into addresses: a headless Service's name has one per pod, and its answers are partial while
/// pods start. The number of nodes is therefore configured, never counted here.
/// </summary>
public static class EndpointResolver
{
    /// <summary>
    /// All addresses of all hosts, without repetition. A name that does not resolve within the deadline yields nothing (a
    /// Service without ready pods has no address: normal at first boot) and is reported in <c>Failures</c>.
    /// </summary>
    /// <param name="hosts">Names or addresses with ports.</param>
    /// <param name="timeout">For each name; they are resolved at the same time.</param>
    /// <param name="time">The clock of the deadline.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<ResolvedEndpoints> ResolveAsync(
        IReadOnlyCollection<RedisEndpoint> hosts, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        var results = await Task.WhenAll(hosts.Select(h => ResolveOneAsync(h, timeout, time, cancellation))).ConfigureAwait(false);
        return new ResolvedEndpoints([.. results.SelectMany(r => r.Endpoints).Distinct()], [.. results.SelectMany(r => r.Failures)]);
    }

    private static async Task<ResolvedEndpoints> ResolveOneAsync(
        RedisEndpoint host, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        if (host.IsAddress) return new ResolvedEndpoints([host], []);
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host.Host, either.Token).ConfigureAwait(false);
            return new ResolvedEndpoints([.. addresses.Select(a => new RedisEndpoint(a.ToString(), host.Port)).Distinct()], []);
        }
        catch (SocketException e)
        {
            return new ResolvedEndpoints([], [$"{host.Host} does not resolve ({e.SocketErrorCode})"]);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ResolvedEndpoints([], [$"{host.Host} did not resolve within {DurationText.Of(timeout)}"]);
        }
    }
}

/// <summary>Addresses found, and what could not be resolved, in words.</summary>
public sealed record ResolvedEndpoints(ImmutableArray<RedisEndpoint> Endpoints, ImmutableArray<string> Failures);
