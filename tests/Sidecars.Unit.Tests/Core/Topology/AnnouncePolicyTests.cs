using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Unit.Tests.Core.Topology;

public sealed class AnnouncePolicyTests
{
    private const string Service = "redis-0.tenant.svc";
    private static readonly RedisEndpoint ClusterAddress = new("10.96.0.10", 6379);
    private static readonly RedisEndpoint PodAddress = new("10.244.1.7", 6379);
    private static readonly TimeSpan Long = AnnouncePolicy.UnresolvedBeforeMemory;

    private static AnnounceFacts Facts(string? setting, params RedisEndpoint[] resolved) =>
        new(setting, [.. resolved], resolved.Length == 0 ? "it does not resolve" : "", TimeSpan.Zero, Remembered: null,
            [.. resolved.Where(r => r == PodAddress)], InCluster: true);

    [Theory]
    [InlineData("redis-0", "redis-0", "tenant", "redis-0.tenant.svc")]
    [InlineData("Redis-0", "redis-0", "tenant", "redis-0.tenant.svc")]
    [InlineData("redis-0", "redis-0", null, "redis-0")] // no cluster: the host's own name, resolved by whatever resolves it
    [InlineData("node-7", "redis-0", "tenant", "node-7")] // host network: the host's name is not the pod's
    [InlineData("redis-0.tenant", "redis-0", "tenant", "redis-0.tenant")]
    [InlineData("10.0.0.1", "redis-0", "tenant", "10.0.0.1")]
    [InlineData(null, "redis-0", "tenant", null)]
    public void The_bare_name_of_the_pod_is_completed_to_its_Services(string? host, string pod, string? space, string? expected) =>
        Assert.Equal(expected, AnnounceAddress.Complete(host, pod, space));

    [Fact]
    public void A_Services_address_is_announced_without_a_word() =>
        Assert.Equal((ClusterAddress, "announce", false), Used(Facts(Service, ClusterAddress)));

    [Fact]
    public void An_address_of_the_pod_itself_is_announced_with_a_warning_that_names_the_setting_and_what_is_right()
    {
        Assert.Equal((PodAddress, "announce-own-address", true), Used(Facts("redis-0", PodAddress)));
        Assert.Equal((PodAddress, "announce-own-address", true), Used(Facts(null, PodAddress)));
        var reason = AnnouncePolicy.Decide(Facts("redis-0", PodAddress)).Reason;
        Assert.Contains("ANNOUNCE_HOST (redis-0)", reason, StringComparison.Ordinal);
        Assert.Contains("<pod>.<namespace>.svc", reason, StringComparison.Ordinal);
        // Outside of a cluster a host announces its own address, and keeps it.
        Assert.Equal((PodAddress, "announce", false), Used(Facts("redis-0", PodAddress) with { InCluster = false }));
    }

    [Fact]
    public void A_name_that_does_not_resolve_is_waited_for_and_then_last_times_address_taken_if_the_setting_is_the_same()
    {
        var remembered = new AnnouncedAddress(Service, ClusterAddress);
        var away = Facts(Service);
        Waits("announce-unresolved", away with { Remembered = remembered });
        Waits("announce-unresolved", away with { Remembered = remembered, UnresolvedFor = Long - TimeSpan.FromMilliseconds(1) });
        Assert.Equal((ClusterAddress, "announce-remembered", true), Used(away with { Remembered = remembered, UnresolvedFor = Long }));
        Waits("announce-unresolved", away with { UnresolvedFor = TimeSpan.FromDays(1) });
        Waits("announce-unresolved",
            away with { Remembered = remembered with { Setting = "redis-0" }, UnresolvedFor = TimeSpan.FromDays(1) });
        // What resolves wins over what is remembered: a Service that was made anew has another address.
        Assert.Equal((PodAddress, "announce", false),
            Used(Facts(Service, PodAddress) with { Own = [], Remembered = remembered, UnresolvedFor = Long }));
    }

    [Fact]
    public void A_name_of_many_nodes_is_refused_and_one_of_both_families_is_not()
    {
        var other = new RedisEndpoint("10.244.2.9", 6379);
        Waits("announce-ambiguous", Facts("redis-nodes.tenant.svc", PodAddress, other));
        var v6 = new RedisEndpoint("fd00::10", 6379);
        Assert.Equal((ClusterAddress, "announce", false), Used(Facts(Service, v6, ClusterAddress)));
        Assert.Equal((v6, "announce", false), Used(Facts(Service, v6)));
        // A host with two networks: both are its own, and the order is the caller's.
        var second = new RedisEndpoint("192.168.0.4", 6379);
        ImmutableArray<RedisEndpoint> own = [PodAddress, second];
        Assert.Equal((PodAddress, "announce", false), Used(Facts("host-a", PodAddress, second) with { InCluster = false, Own = own }));
    }

    [Fact]
    public void An_address_is_own_where_an_interface_has_it()
    {
        Assert.False(AnnounceAddress.IsOwn(new RedisEndpoint("127.0.0.1", 1)));
        Assert.False(AnnounceAddress.IsOwn(new RedisEndpoint("192.0.2.1", 1))); // RFC 5737: nobody's
        Assert.False(AnnounceAddress.IsOwn(new RedisEndpoint("name.invalid", 1)));
        Assert.All(AnnounceAddress.OwnAddresses(), address => Assert.True(AnnounceAddress.IsOwn(new RedisEndpoint(address, 1))));
    }

    private static (RedisEndpoint Address, string Code, bool IsDoubtful) Used(AnnounceFacts facts)
    {
        var use = Assert.IsType<AnnounceDecision.Use>(AnnouncePolicy.Decide(facts));
        return (use.Address, use.Code, use.IsDoubtful);
    }

    private static void Waits(string code, AnnounceFacts facts)
    {
        var wait = Assert.IsType<AnnounceDecision.Wait>(AnnouncePolicy.Decide(facts));
        Assert.Equal(code, wait.Code);
        Assert.Contains("ANNOUNCE_HOST", wait.Reason, StringComparison.Ordinal);
    }
}
