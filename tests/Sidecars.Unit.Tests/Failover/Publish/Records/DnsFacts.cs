using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Unit.Tests.Failover.Publish.Records;

/// <summary>Short words for the tests of this folder.</summary>
internal static class DnsFacts
{
    public const string Name = "redis.tenant.example.org";

    public static DnsPublication Publication(
        long term, long epoch, string address, string cluster = "tenant/redis", int ttl = 5, long rev = 0) =>
        new() { Name = Name, State = State(term, epoch, address, cluster, rev), TtlSeconds = ttl };

    public static DnsRecordState State(long term, long epoch, string address, string cluster = "tenant/redis", long rev = 0)
    {
        Assert.True(ClusterId.TryParse(cluster, out var id));
        Assert.True(DnsTarget.TryParse(address, out var target), address);
        return new DnsRecordState { Cluster = id, Token = new FencingToken(term, epoch, rev), Target = target };
    }

    /// <summary>The zone once this was published into an empty one.</summary>
    public static DnsSnapshot After(DnsPublication publication) =>
        Empty.After(Write(DnsPublishPolicy.Decide(publication, Empty)).Change);

    public static TargetPlan<DnsChange>.Write Write(TargetPlan<DnsChange> plan) => Assert.IsType<TargetPlan<DnsChange>.Write>(plan);

    /// <summary>What a plan comes to that writes nothing.</summary>
    public static PublishOutcome Outcome(DnsPublication wanted, DnsSnapshot zone) =>
        Assert.IsType<TargetPlan<DnsChange>.Settled>(DnsPublishPolicy.Decide(wanted, zone)).Outcome;

    public static DnsSnapshot Empty { get; } = new([]);

    public static DnsSnapshot With(this DnsSnapshot zone, params DnsRecordSet[] sets) => new([.. zone.Sets, .. sets]);

    public static DnsSnapshot Without(this DnsSnapshot zone, string type) => new([.. zone.Sets.Where(set => set.Type != type)]);

    public static DnsRecordSet Set(string name, string type, string value, long ttl = 300, string special = "") =>
        new() { Name = name, Type = type, TtlSeconds = ttl, Values = ImmutableArray.Create(value), Special = special };
}
