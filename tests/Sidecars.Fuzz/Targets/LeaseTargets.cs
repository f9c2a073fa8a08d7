using System.Text;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using static Sidecars.Fuzz.Targets.LineageSamples;

namespace Sidecars.Fuzz.Targets;

/// <summary>Annotations of a Lease, one <c>name value</c> a line; names without the prefix, which every one gets.</summary>
internal static class Annotations
{
    public const string Tenant = "ns/redis";

    public static readonly byte[][] Words = LineageSamples.Words(
        "null", "\nterm 9", "\nformat 2", "\nslot-0 ", "\nslot-31 ", "\nhighest-epoch 9", "\"podUid\":", "\"term\":", "\\u0000", "-1",
        "1e3", "9007199254740993", "[[", "{", "}", ",", Id);

    public static LeaseDocument Lease(byte[] input)
    {
        var annotations = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var line in Encoding.UTF8.GetString(input).Split('\n'))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space > 0) annotations[SidecarAnnotations.Prefix + line[..space]] = line[(space + 1)..];
        }

        return new LeaseDocument { Metadata = new ObjectMeta { Name = "redis", Annotations = annotations } };
    }
}

/// <summary>The group's Lease.</summary>
internal sealed class GroupLeaseTarget : IFuzzTarget
{
    public string Name => "group-lease";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Text($$"""
            format 1
            cluster-id ns/redis
            term 3
            highest-epoch 7
            candidate {"podUid":"u-0","podName":"redis-0","address":"10.0.0.1:6379","term":3,"incarnation":"i"}
            last-serving {"podUid":"u-1","podName":"redis-1","address":"10.0.0.2:6379","term":3,"epoch":7,"rev":1,"replicationId":"{{Id}}","offset":12}
            lineage [{"id":"{{Id}}","offset":0,"term":3,"epoch":7,"generation":4,"master":"u-1","masterName":"redis-1"}]
            in-sync [{"uid":"u-0","name":"redis-0","offset":11}]
            round r1
            durability aof
            """),
    ];

    public IReadOnlyList<byte[]> Words => Annotations.Words;

    public long AllocationBound(int length) => 256_000 + (200L * length);

    public void Run(byte[] input)
    {
        var lease = Annotations.Lease(input);
        if (!LeaseRecord.TryRead(lease, Annotations.Tenant, out var record, out var fault))
        {
            FuzzViolationException.Unless(
                fault.Annotation.Length > 0 && fault.Reason.Length > 0, "a fault names the annotation and says why");
            return;
        }

        FuzzViolationException.Unless(
            record.LastServing is not { } serving || (serving.Token.Term <= record.Term && serving.Token.Epoch <= record.HighestEpoch),
            "nothing is above the group's term and epoch");
        var written = LeaseRecord.Apply(lease, Annotations.Tenant, record);
        FuzzViolationException.Unless(LeaseRecord.TryRead(written, Annotations.Tenant, out var again, out _) && again.Term == record.Term
            && again.LastServing == record.LastServing,
            "what was read can be written and reads the same");
    }
}

/// <summary>The table of Sentinel slots.</summary>
internal sealed class SlotTableTarget : IFuzzTarget
{
    private static readonly ClusterId Tenant =
        ClusterId.TryParse(Annotations.Tenant, out var id) ? id : throw new InvalidOperationException();

    public string Name => "slot-table";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Text($$"""
            format 1
            cluster-id ns/redis
            slot-0 {"podUid":"u-0","podName":"sentinel-a","address":"10.0.0.1:26379","myid":"{{SlotTable.MyId(Tenant, 0)}}","heartbeat":3}
            slot-2 {"podUid":"u-2","podName":"sentinel-c","address":"[fd00::1]:26379","myid":"{{SlotTable.MyId(Tenant, 2)}}","heartbeat":1}
            """),
    ];

    public IReadOnlyList<byte[]> Words => Annotations.Words;

    public long AllocationBound(int length) => 256_000 + (200L * length);

    public void Run(byte[] input)
    {
        var lease = Annotations.Lease(input);
        if (!SlotTable.TryRead(lease, Tenant, out var table, out var fault))
        {
            FuzzViolationException.Unless(
                fault.Annotation.Length > 0 && fault.Reason.Length > 0, "a fault names the annotation and says why");
            return;
        }

        FuzzViolationException.Unless(
            SlotTable.TryRead(table.Apply(lease, Tenant), Tenant, out var again, out _), "what was read can be written and read again");
        FuzzViolationException.Unless(
            again!.Claims.OrderBy(c => c.Key).SequenceEqual(table.Claims.OrderBy(c => c.Key)), "each slot is the same");
    }
}
