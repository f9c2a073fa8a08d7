using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Unit.Tests.Core.Topology;

public sealed class EndpointResolverTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Addresses_are_taken_as_they_are_and_repetition_is_dropped()
    {
        var resolved = await ResolveAsync(new("10.0.0.1", 1), new("fd00::1", 2), new("10.0.0.1", 1), new("10.0.0.1", 3));
        Assert.Equal(["10.0.0.1:1", "[fd00::1]:2", "10.0.0.1:3"], resolved.Endpoints.Select(e => e.ToString()));
        Assert.Empty(resolved.Failures);
    }

    [Fact]
    public async Task A_name_becomes_addresses_with_its_port() =>
        Assert.Contains(new RedisEndpoint("127.0.0.1", 7), (await ResolveAsync(new RedisEndpoint("localhost", 7))).Endpoints);

    [Fact]
    public async Task A_name_that_does_not_resolve_is_reported_and_hides_no_other()
    {
        // RFC 6761: no resolver may answer for .invalid.
        var resolved = await ResolveAsync(new("nobody.invalid", 1), new("10.0.0.1", 1));
        Assert.Equal([new RedisEndpoint("10.0.0.1", 1)], resolved.Endpoints.AsEnumerable());
        Assert.StartsWith("nobody.invalid ", Assert.Single(resolved.Failures), StringComparison.Ordinal);
    }

    private static Task<ResolvedEndpoints> ResolveAsync(params RedisEndpoint[] hosts) =>
        EndpointResolver.ResolveAsync(hosts, Timeout, TimeProvider.System, default);
}
