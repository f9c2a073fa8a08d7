using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Addresses;

namespace Sidecars.Failover.Publish.Records;

/// <summary>What is published of one group: who says so, with which authority, and where the master is.</summary>
public sealed record DnsRecordState
{
    /// <summary>The group that owns the name.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Orders the writers: an older one never replaces a newer one.</summary>
    public required FencingToken Token { get; init; }

    /// <summary>Where the master is.</summary>
    public required DnsTarget Target { get; init; }

    /// <summary>The same, as every target says it.</summary>
    public PublishedMaster Master => new(Token, Target.Value);
}
