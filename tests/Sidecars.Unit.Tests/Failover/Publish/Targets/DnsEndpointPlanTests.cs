using System.Collections.Immutable;
using System.Text.Json;
using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;

namespace Sidecars.Unit.Tests.Failover.Publish.Targets;

/// <summary>Rules of the object as a zone; the store around it is held to <c>DnsStoreContract</c>.</summary>
public sealed class DnsEndpointPlanTests
{
    private const string Name = "redis.example.org";
    private static readonly DnsEndpointDocument Empty = new() { Metadata = new ObjectMeta { Name = "redis" } };

    [Fact]
    public void An_object_without_spec_is_an_empty_zone() => Assert.Empty(DnsEndpointPlan.SetsAt(Empty, Name));

    [Fact]
    public void Names_are_compared_as_DNS_compares_them()
    {
        var document = Empty with
        { Endpoints = [Record("Redis.Example.ORG.", "CNAME", "Host-1.Example.org."), Record("other.example.org", "A", "10.0.0.1")] };

        var set = Assert.Single(DnsEndpointPlan.SetsAt(document, Name));

        Assert.Equal("redis.example.org 5 CNAME host-1.example.org", set.ToString());
        // What was read so is also found so.
        Assert.True(DnsEndpointPlan.TryApply(document, new DnsChange([set], []), out var next, out _));
        Assert.Equal("other.example.org", Assert.Single(next.Endpoints!).DnsName);
    }

    [Theory]
    [InlineData("""{"labels":{},"providerSpecific":[],"setIdentifier":"","more":null}""", "")]
    [InlineData("""{"setIdentifier":"blue"}""", "given with setIdentifier")]
    [InlineData("""{"providerSpecific":[{"name":"aws/weight","value":"1"}],"labels":{"a":"b"}}""", "given with labels, providerSpecific")]
    [InlineData("""{"later":false}""", "given with later")]
    public void An_entry_that_says_more_is_special(string more, string special)
    {
        using var parsed = JsonDocument.Parse(more);
        var unknown = parsed.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.Clone());
        var document = Empty with { Endpoints = [Record(Name, "A", "10.0.0.1") with { Unknown = unknown }] };

        Assert.Equal(special, Assert.Single(DnsEndpointPlan.SetsAt(document, Name)).Special);
    }

    [Fact]
    public void A_half_entry_is_read_and_never_taken_for_one_of_ours()
    {
        var document = Empty with
        {
            Endpoints = [new DnsEndpointRecord(), new DnsEndpointRecord { DnsName = Name },
                new DnsEndpointRecord { DnsName = Name, RecordType = "TXT" }]
        };

        var sets = DnsEndpointPlan.SetsAt(document, Name, "_redis-master." + Name);

        Assert.Equal(["", "TXT"], sets.Select(set => set.Type));
        Assert.All(sets, set => Assert.Empty(set.Values));
        Assert.Null(DnsPublishPolicy.Published(Name, new DnsSnapshot(sets)));
    }

    [Fact]
    public void A_change_is_whole_or_nothing()
    {
        var there = new DnsRecordSet { Name = Name, Type = "A", TtlSeconds = 5, Values = ["10.0.0.1"] };
        var document = Empty with { Endpoints = [Record(Name, "A", "10.0.0.1")] };

        Assert.False(DnsEndpointPlan.TryApply(
            document, new DnsChange([there, new DnsRecordSet { Name = Name, Type = "TXT" }], []), out var next, out var conflict));
        Assert.Null(next);
        Assert.Contains("not there", conflict, StringComparison.Ordinal);
        Assert.False(DnsEndpointPlan.TryApply(document, new DnsChange([], [there]), out _, out conflict));
        Assert.Contains("there already", conflict, StringComparison.Ordinal);
        // Twice there: which of them would go?
        Assert.False(DnsEndpointPlan.TryApply(
            document with { Endpoints = [.. document.Endpoints!, .. document.Endpoints!] }, new DnsChange([there], []), out _, out _));
        Assert.Single(document.Endpoints!);
    }

    private static DnsEndpointRecord Record(string name, string type, string target) =>
        new() { DnsName = name, RecordType = type, RecordTtl = 5, Targets = ImmutableArray.Create(target) };
}
