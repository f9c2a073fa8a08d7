using System.Text.RegularExpressions;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Status;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;
using static Sidecars.Unit.Tests.Failover.Status.StatusFacts;

namespace Sidecars.Unit.Tests.Failover.Status;

public sealed partial class StatusTableTests
{
    private static StatusSnapshot Ill
    {
        get
        {
            var s = Published(B.Host, new FencingToken(2, 7, 1)) with
            {
                Backup = new BackupReading(3, "20261120T030000Z", TimeSpan.FromHours(30), TimeSpan.FromDays(2), TimeSpan.FromSeconds(2)),
                Record = Serving(A, new FencingToken(2, 7, 0)),
            };
            s = s with
            { Places = [.. s.Places, new PlaceReading.NotConfigured("route53"), new PlaceReading.NotConfigured("dns-endpoint")] };
            return s with
            {
                Group = s.Group.WithOther(Gone(C)) with
                { Sentinels = [.. AllName(A, Listed(B), Listed(C, flags: "slave,s_down")).Select(o => Peer(o))] }
            };
        }
    }

    [Fact]
    public void An_ill_group_reads_so_in_80_columns() => Assert.Equal(
        """
        demo/redis: 2 faults at 2026-11-30 10:40:02Z
        master 10.0.0.1:6379 in epoch 7, named by 3 of 3 Sentinels

        ! redis-unreachable: 10.0.0.3:6379: connection refused
            so: replicas-not-seen: 10.0.1.1:26379, 10.0.1.2:26379, 10.0.1.3:26379:
              reaches 1 of 2 replicas
            do: see its pod; if redis-bootstrap waits there, redis-failover status in
                that pod says for what

        ! published-another: zone-file: names 10.0.0.2:6379, Sentinels name
              10.0.0.1:6379
            do: the sidecar of 10.0.0.1:6379 writes it within a second, the others after
                some; otherwise see its log (publish)

        REDIS          ROLE         LINK  WRITES  LAG   KEYS  OFFSET  PRIO  RUN
        10.0.0.1:6379  master             open          0     1000    100   00000000
        10.0.0.2:6379  replica      up            10 B  0     990     100   00000000
        10.0.0.3:6379  unreachable

        SENTINEL        STATE  NAMES          EPOCH  OTHERS  REPLICAS  FLAGS   ID
        10.0.1.1:26379  up     10.0.0.1:6379  7      2       1/2       master  bbbbbbbb
        10.0.1.2:26379  up     10.0.0.1:6379  7      2       1/2       master  cccccccc
        10.0.1.3:26379  up     10.0.0.1:6379  7      2       1/2       master  dddddddd

        record     term 2, epoch 7; redis-1 served last at 10.0.0.1:6379, token 2.7.0
        zone-file  10.0.0.2, token 2.7.1
        rescues    none on this node
        backup     3, the last 20261120T030000Z 1d6h ago; tail until 2s ago; drill 2d
                   ago
        not set    route53, dns-endpoint

        """.ReplaceLineEndings("\n"),
        Text(StatusPolicy.Decide(Ill)));

    [Fact]
    public void No_line_is_wider_than_the_terminal_whatever_the_addresses_and_texts()
    {
        var count = 0;
        foreach (var snapshot in StatusFacts.All.Append(Ill).Append(Wide))
            foreach (var width in (int[])[40, 80, 120])
                foreach (var line in StatusTable.Lines(StatusPolicy.Decide(snapshot), width, new Paint(on: true)))
                {
                    count++;
                    Assert.True(Colour().Replace(line, "").Length <= width, $"{width}: {line}");
                }

        Assert.True(count > 1000);
    }

    // Of two full addresses of version 6 a line has no room: each keeps its end, which tells it from the others.
    [Fact]
    public void Long_addresses_are_shortened_in_the_middle_and_stay_different()
    {
        var lines = StatusTable.Lines(StatusPolicy.Decide(Wide), 80, new Paint(on: false)).ToList();
        Assert.Equal(3, lines.Count(line => LongRow().IsMatch(line)));
        Assert.Contains(lines, line => line.Contains("aaaa:1]:26379", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_server_said_moves_no_cursor()
    {
        var text = Text(StatusPolicy.Decide(On(s => s.WithOther(new NodeObservation.Unreachable(C, "\e[2Jgone\r\nhealthy")))));
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Contains("?[2Jgone??healthy", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Colours_change_no_text_and_mark_what_is_wrong()
    {
        var report = StatusPolicy.Decide(Ill);
        var coloured = Text(report, color: true);
        Assert.Equal(Text(report), Colour().Replace(coloured, ""));
        Assert.Contains("\e[31m! redis-unreachable\e[0m", coloured, StringComparison.Ordinal);
        Assert.Contains("\e[31munreachable\e[0m", coloured, StringComparison.Ordinal);
        Assert.Contains("\e[32mhealthy\e[0m", Text(StatusPolicy.Decide(Healthy), color: true), StringComparison.Ordinal);
        Assert.DoesNotContain('\e', Text(report));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void A_size_has_its_unit(long bytes, string text) => Assert.Equal(text, Words.Size(bytes));

    [Theory]
    [InlineData(null, "never")]
    [InlineData(-3L, "0s ago")]
    [InlineData(89L, "1m29s ago")]
    [InlineData(90L, "1m30s ago")]
    [InlineData(7200L, "2h ago")]
    [InlineData(172_800L, "2d ago")]
    public void An_age_has_its_unit(long? seconds, string text) => Assert.Equal(text, Words.Ago(seconds));

    private static StatusSnapshot Wide => On(s =>
    {
        static RedisEndpoint Long(RedisEndpoint e) => new("2001:db8:aaaa:aaaa:aaaa:aaaa:aaaa:" + e.Host[^1], e.Port);
        static NodeObservation Node(NodeObservation o) => o is NodeObservation.Known k
            ? Seen(k.View with { Announced = Long(k.Address), MasterAddress = k.View.MasterAddress is { } m ? Long(m) : null })
            : o;
        static SentinelObservation Sentinel(SentinelObservation o) => o is SentinelObservation.Known { View: var v } k
            ? new SentinelObservation.Known(Long(k.Endpoint), v with
            {
                Master = v.Master! with { Address = Long(v.Master.Address) },
                Replicas = [.. v.Replicas.Select(r => r with { Address = Long(r.Address) })]
            })
            : o;
        return s with { Own = Node(s.Own), Others = [.. s.Others.Select(Node)], Sentinels = [.. s.Sentinels.Select(Sentinel)] };
    });

    [GeneratedRegex("\e\\[[0-9]+m")]
    private static partial Regex Colour();

    [GeneratedRegex(@"^\[2001:.*…?.*:[123]\]:26379 ")]
    private static partial Regex LongRow();
}
