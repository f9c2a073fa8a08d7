using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Policy;
using Sidecars.Probe.Reading;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Probe;

public sealed class ProbePolicyTests
{
    private static readonly RedisEndpoint Here = new("127.0.0.1", 6379);

    [Fact]
    public void Any_error_is_life_and_none_is_readiness()
    {
        Prop.ForAll<string>(error =>
        {
            var facts = new ProbeFacts { Peer = "p", PingError = error ?? "" };
            var (startup, liveness, readiness) = All(facts);
            return startup.Pass && liveness.Pass && !readiness.Pass && readiness.Message.Length <= ProbeVerdict.MaxLength
                && !readiness.Message.Any(char.IsControl);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Silence_fails_all_three_unless_bootstrap_waits()
    {
        foreach (var failure in Enum.GetValues<RedisFailure>())
        {
            var (startup, liveness, readiness) = All(new ProbeFacts { Peer = "p", Failure = failure });
            Assert.False(startup.Pass || liveness.Pass || readiness.Pass);
            (startup, liveness, readiness) =
                All(new ProbeFacts { Peer = "p", Failure = failure, WaitReason = "r", WaitingFor = "redis-1" });
            Assert.True(startup.Pass && liveness.Pass && !readiness.Pass);
            Assert.Contains("redis-bootstrap waits: r (for redis-1)", readiness.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(3, 0, true)]
    [InlineData(3, 1, true)]
    [InlineData(3, 2, false)]
    [InlineData(5, 2, true)]
    [InlineData(5, 3, false)]
    [InlineData(1, 1, false)]
    public void Only_a_majority_of_those_there_should_be_contradicts_a_master(int expected, int contradicting, bool ready)
    {
        var facts =
            Master(votes: new SentinelVotes { Expected = expected, Agreeing = 0, Contradicting = contradicting, Other = "10.0.0.2:6379" });
        Assert.Equal(ready, All(facts).Readiness.Pass);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(0L, true)]
    [InlineData(1000L, true)]
    [InlineData(1001L, false)]
    [InlineData((long)WriteFence.MinReplicas, false)]
    public void A_fence_is_not_ready_and_an_unknown_one_is_none(long? minimum, bool ready)
    {
        var verdicts = All(Master(minimum));
        Assert.True(verdicts.Startup.Pass && verdicts.Liveness.Pass);
        Assert.Equal(ready, verdicts.Readiness.Pass);
    }

    [Theory]
    [InlineData("connected", "master_last_io_seconds_ago:15", true)]
    [InlineData("connected", "master_last_io_seconds_ago:16", false)]
    [InlineData("connected", "master_last_io_seconds_ago:junk", true)]
    [InlineData("connected", "master_sync_in_progress:1", false)]
    [InlineData("connected", null, true)]
    [InlineData("sync", "", false)]
    [InlineData("connecting", "", false)]
    [InlineData("from-the-future", "", false)]
    public void A_replica_is_ready_when_connected_and_not_known_to_lag(string link, string? info, bool ready)
    {
        var facts = new ProbeFacts
        {
            Peer = "p",
            Pong = "PONG",
            Role = Role(FakeReply.Array(
                FakeReply.Bulk("slave"), FakeReply.Bulk("10.0.0.1"), FakeReply.Integer(6379), FakeReply.Bulk(link), FakeReply.Integer(7))),
            Info = info is null ? null : InfoReply.Parse(Encoding.UTF8.GetBytes(info)),
        };
        Assert.Equal(ready, All(facts).Readiness.Pass);
    }

    [Fact]
    public void A_heartbeat_is_read_whatever_is_in_the_file()
    {
        var document = new HeartbeatDocument
        {
            Component = "redis-bootstrap redis",
            Pid = 1,
            Code = "waits",
            Reason = "\"quoted\" \n",
            Since = DateTimeOffset.UnixEpoch,
            WrittenAt = new DateTimeOffset(2026, 11, 21, 3, 4, 5, 678, TimeSpan.Zero),
            WaitingFor = ["a", "b"],
        };
        var bytes = document.ToBytes();
        var heartbeat = ProbeHeartbeat.Parse(bytes);
        Assert.Equal(("\"quoted\" \n", "a, b"), (heartbeat!.Reason, heartbeat.WaitingFor));
        Assert.True(heartbeat.IsFresh(new Clock(document.WrittenAt.AddSeconds(19))));
        Assert.False(heartbeat.IsFresh(new Clock(document.WrittenAt.AddSeconds(22))));
        for (var i = 0; i < bytes.Length - 2; i++) Assert.Null(ProbeHeartbeat.Parse(bytes.AsSpan(0, i)));
        foreach (var written in new[]
        { "2026-13-21T03:04:05Z", "2026-02-30T03:04:05Z", "2026-11-21T03:04:05+01:00", "now", "-026-11-21T03:04:05Z" })
            Assert.Null(ProbeHeartbeat.Parse(Encoding.UTF8.GetBytes($$"""{"written_at":"{{written}}"}""")));
    }

    private static ProbeFacts Master(long? minimum = null, SentinelVotes? votes = null) => new()
    {
        Peer = "p",
        Pong = "PONG",
        MinReplicasToWrite = minimum,
        Votes = votes,
        Role = Role(FakeReply.Array(FakeReply.Bulk("master"), FakeReply.Integer(7), FakeReply.Array(Array.Empty<byte[]>()))),
    };

    private static RoleReply Role(byte[] wire)
    {
        var reader = new RespReader();
        reader.Append(wire);
        Assert.True(reader.TryRead(out var value));
        Assert.True(RoleReply.TryParse(value, out var role));
        return role;
    }

    private static (ProbeVerdict Startup, ProbeVerdict Liveness, ProbeVerdict Readiness) All(ProbeFacts facts)
    {
        ProbeVerdict Of(ProbeKind kind) =>
            ProbePolicy.Evaluate(new ProbeRequest { Kind = kind, Target = ProbeTarget.Redis, Endpoint = Here, MasterName = "m" }, facts);
        return (Of(ProbeKind.Startup), Of(ProbeKind.Liveness), Of(ProbeKind.Readiness));
    }

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
