using System.Text;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using static Sidecars.Fuzz.Targets.LineageSamples;

namespace Sidecars.Fuzz.Targets;

/// <summary>The TXT record beside a published address.</summary>
internal sealed class DnsRecordTarget : IFuzzTarget
{
    public string Name => "dns-record";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Text("\"v=1;cluster=ns/redis;term=3;epoch=7;rev=1;addr=10.0.0.1\""),
        Text("\"v=1;cluster=ns/redis;term=3;epoch=7;rev=1;\" \"addr=redis-0.example.org\""),
        Text("\"v=2;anything\""),
    ];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "\" \"", "\"", "v=1", "v=9", ";term=", ";rev=", "9007199254740993", "-1", "\\034", "::1", "\0", "é");

    public long AllocationBound(int length) => 16_000 + (40L * length);

    public void Run(byte[] input)
    {
        if (!DnsRecordDocument.TryParse(Encoding.UTF8.GetString(input), out var state, out var isNewer)) return;
        FuzzViolationException.Unless(!isNewer, "a state that is understood is of no later version");
        FuzzViolationException.Unless(DnsRecordDocument.TryParse(DnsRecordDocument.Write(state), out var again, out _) && again == state,
            "what was read reads the same when written");
    }
}

/// <summary>A zone file that people edit too.</summary>
internal sealed class ZoneFileTarget : IFuzzTarget
{
    public string Name => "zone-file";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Text("$ORIGIN example.org.\n@ 60 IN SOA ns.example.org. h.example.org. 7 60 60 60 60\nredis.example.org. 5 IN A "
            + "10.0.0.1\nredis.example.org. 5 IN TXT \"v=1;cluster=ns/redis;term=3;epoch=7;rev=1;addr=10.0.0.1\"\nwww 60 IN CNAME x.\r\n"),
    ];

    public IReadOnlyList<byte[]> Words { get; } = LineageSamples.Words(
        "\n", "\r\n", " IN ", "redis.example.org. ", "SOA", "4294967295", "4294967296", "\0", "\t", "; comment", "CNAME");

    public long AllocationBound(int length) => 64_000 + (400L * length);

    public void Run(byte[] input)
    {
        const string Name = "redis.example.org";
        var text = Encoding.Latin1.GetString(input);
        var before = ZoneFileDocument.Parse(text).SetsAt(Name);
        var changed = ZoneFileDocument.Parse(text);
        var change = new DnsChange(before, [new DnsRecordSet { Name = Name, Type = "A", TtlSeconds = 5, Values = ["10.0.0.9"] }]);
        if (changed.Apply(change) is not null) return;
        var after = ZoneFileDocument.Parse(Encoding.UTF8.GetString(changed.ToBytes())).SetsAt(Name);
        FuzzViolationException.Unless(after.Length == 1 && after[0].Type == "A" && after[0].Values is ["10.0.0.9"],
            "what was deleted is gone, what was created is there");
    }
}
