using Sidecars.Core.Primitives;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>A master whose death is told by hand; three Sentinels name it, and one replica can be promoted, or two.</summary>
public sealed class DeathLoopTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly OwnServer Dead = new OwnServer.Dead(MemoryGroup.RunId, WasMaster: true);

    private readonly MemoryGroup _group = new(Second);
    private readonly HandServer _server;
    private readonly HandSentinels _sentinels = new();
    private DateTime? _heartbeat = new DateTime(2026, 11, 20, 9, 0, 0, DateTimeKind.Utc);

    public DeathLoopTests() => _server = new HandServer(_group.Time);

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public async Task A_death_after_a_quiet_day_is_told_to_all_in_the_same_moment_and_once_while_the_watch_has_not_seen_it()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromHours(24));
            Assert.Equal((0, 0), (_group.Replica.Connects, _group.Sentinels.Sum(s => s.Connects)));
            var died = _group.Time.Now;
            _server.Say(Dead);
            _group.Time.Settle(() => _group.Sink["death!"] == "succession");
            Assert.Equal(died, _group.Time.Now);
            Assert.Equal(Succession(4), _group.Changes);
            Assert.Empty(_group.Strangers);
            // The watch, fed by hand, still names the dead one; a majority has confirmed the next.
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal(("succeeded", 4), (_group.Sink["death"], _group.Changes.Count));
        });
    }

    /// <summary>A process that has just been started looks disconnected to Sentinels, and is as good as before.</summary>
    [Theory]
    [InlineData("slave", "slave")]
    [InlineData("slave", "slave,disconnected")]
    [InlineData("slave,disconnected", "slave")]
    [InlineData("slave,s_down,disconnected", "slave")]
    public async Task The_replica_with_less_follows_the_one_that_is_promoted(string less, string more)
    {
        _sentinels.Replicas = [MemoryGroup.Third, MemoryGroup.Other];
        (_sentinels.Flags[MemoryGroup.Third], _sentinels.Flags[MemoryGroup.Other]) = (less, more);
        _server.Look = new NodeLook { RunId = MemoryGroup.RunId, Role = NodeRole.Master, ReplicationId = new string('c', 40) };
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => _group.Sink["death!"] == "succession");
            Assert.Equal(Promotion, _group.Changes.First());
            Assert.Contains("REPLICAOF 10.0.0.2 6379 at 10.0.0.3", _group.Changes);
        });
    }

    [Theory]
    [InlineData("10.0.0.3", true)]
    [InlineData("10.0.0.2", false)]
    public async Task A_replica_that_is_no_node_is_neither_promoted_nor_led_to_the_next_master(string foreign, bool isReplaced)
    {
        _sentinels.Replicas = [MemoryGroup.Third, MemoryGroup.Other];
        _sentinels.Flags[MemoryGroup.Third] = "slave,s_down"; // no candidate for want of a vote
        _server.Look = new NodeLook { RunId = MemoryGroup.RunId, Role = NodeRole.Master, ReplicationId = new string('c', 40) };
        Start(isForeign: replica => replica.Host == foreign);
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            if (isReplaced) _group.Time.Settle(() => _group.Sink["death!"] == "succession");
            Run(Second);
            Assert.DoesNotContain(_group.Changes, change => change.EndsWith(" at " + foreign, StringComparison.Ordinal));
            Assert.Equal(isReplaced, _group.Changes.Contains(Promotion));
        });
    }

    [Fact]
    public async Task A_promotion_that_is_refused_is_told_to_nobody_and_tried_again()
    {
        _group.PromotionReply = FakeReply.Error("ERR REPLICAOF not allowed while failing over.");
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => !_group.Changes.IsEmpty);
            _group.Time.Settle(IsIdle);
            Assert.Equal([Promotion], _group.Changes);
            Assert.Equal(
                "succession: promotion-refused: 10.0.0.2:6379: ERR REPLICAOF not allowed while failing over.", _group.Sink["death!"]);
            _group.PromotionReply = null;
            Run(TimeSpan.FromMilliseconds(100));
            // The vote of the first attempt was spent: the next epoch.
            Assert.Equal([Promotion, .. Succession(5)], _group.Changes);
        });
    }

    [Fact]
    public async Task A_replica_whose_container_ends_in_that_moment_follows_again_and_is_told_to_nobody()
    {
        _group.EndsBeforePromotion = true;
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => _group.Sink["death!"]?.Contains("target-terminates", StringComparison.Ordinal) == true);
            Run(Second);
            Assert.Equal([Promotion, "REPLICAOF 10.0.0.1 6379 at 10.0.0.2"], _group.Changes.Take(2));
            Assert.DoesNotContain(_group.Changes, c => c.StartsWith("told at", StringComparison.Ordinal));
            Assert.Single(_group.Changes, Promotion); // its own answer says that it is no candidate
        });
    }

    [Fact]
    public async Task One_that_an_earlier_attempt_has_promoted_is_told_though_its_container_ends_by_now()
    {
        _server.Look = new NodeLook { RunId = MemoryGroup.RunId, Role = NodeRole.Master, ReplicationId = new string('c', 40) };
        _group.EndsBeforePromotion = true;
        _group.Promote();
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => _group.Sink["death!"] == "succession");
            Assert.DoesNotContain("REPLICAOF 10.0.0.1 6379 at 10.0.0.2", _group.Changes);
            Assert.Equal(3, _group.Changes.Count(c => c.StartsWith("told at", StringComparison.Ordinal)));
        });
    }

    [Fact]
    public async Task Where_the_Sentinels_refuse_a_hello_one_is_asked_ten_times_a_second_until_it_takes_the_request()
    {
        _group.HelloReply = FakeReply.Error("NOPERM this user has no permissions to run the 'publish' command");
        _group.FailoverReply = FakeReply.Error("NOGOODSLAVE No suitable replica to promote");
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            Run(10 * Second);
            Assert.InRange(_group.Changes.Count, 90, 110);
            Assert.All(_group.Changes, c => Assert.Equal("FAILOVER at 1", c));
            _group.FailoverReply = FakeReply.Simple("OK");
            var before = _group.Changes.Count;
            Run(2 * Second);
            Assert.Equal(before + 1, _group.Changes.Count);
        });
    }

    [Fact]
    public async Task No_Sentinel_is_asked_that_names_another_by_now()
    {
        _group.Named = (MemoryGroup.Third, 4);
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            Run(5 * Second);
            Assert.Empty(_group.Changes);
        });
    }

    [Fact]
    public async Task While_no_majority_names_it_nobody_is_asked_and_it_is_handed_over_in_the_moment_of_one()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _sentinels.Name(MemoryGroup.Me, 3, answering: 1);
            _server.Say(Dead);
            Run(TimeSpan.FromMinutes(5));
            Assert.Equal("no-agreement", _group.Sink["death"]);
            Assert.Equal((0, 0), (_group.Replica.Connects, _group.Sentinels.Sum(s => s.Connects)));
            var now = _group.Time.Now;
            _sentinels.Name(MemoryGroup.Me, 3);
            _group.Time.Settle(() => _group.Changes.Count == 4);
            Assert.Equal(now, _group.Time.Now);
        });
    }

    [Fact]
    public async Task A_listed_replica_that_hangs_is_waited_for_half_a_second_and_no_longer_than_two_more_questions()
    {
        _sentinels.Replicas = [MemoryGroup.Other, MemoryGroup.Third];
        _group.ThirdNode.Hangs = true;
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => _group.ThirdNode.Hanging == 1);
            _group.Time.Run(SuccessionPolicy.AnswersWithin - TimeSpan.FromMilliseconds(1), IsIdle);
            Assert.Equal("replica-silent", _group.Sink["death"]);
            Assert.Empty(_group.Changes);
            _group.Time.Run(TimeSpan.FromMilliseconds(2 * 153), IsIdle);
            Assert.Equal(Succession(4), _group.Changes);
        });
    }

    [Fact]
    public async Task A_round_that_throws_costs_a_pause_and_not_the_failover()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _sentinels.Throws = new InvalidDataException("a view that is none");
            _server.Say(Dead);
            Run(Second);
            Assert.Equal("death: a view that is none", Assert.Single(_group.Failures));
            Assert.Equal(Succession(4), _group.Changes);
        });
    }

    [Fact]
    public async Task A_container_that_is_back_asks_for_itself_and_a_dry_run_asks_for_nothing()
    {
        Start(dryRun: true);
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            Run(Second);
            Assert.Equal("accepted", _group.Sink["death"]);
            _heartbeat += TimeSpan.FromSeconds(2);
            Run(5 * Second);
            Assert.Equal("bootstrap-acts", _group.Sink["death"]);
            Assert.Empty(_group.Changes);
        });
    }

    private const string Promotion = "REPLICAOF NO ONE at 10.0.0.2";

    // What is changed where the replica is promoted and all Sentinels are told in this epoch.
    private static string[] Succession(long epoch) =>
        [Promotion, .. Enumerable.Range(1, 3).Select(n => $"told at {n}: 10.0.0.2 in {epoch}")];

    // One that hangs holds two deadlines: of the connect, and of the question.
    private bool IsIdle() => _group.Time.Sleepers == 1 || (_group.ThirdNode.Hanging == 1 && _group.Time.Deadlines == 2);

    private void Start(bool dryRun = false, Func<RedisEndpoint, bool>? isForeign = null)
    {
        _server.Say(FailoverFacts.Master);
        _group.Start(("death", _group.DeathOf(_server, _sentinels, () => _heartbeat, dryRun, isForeign).RunAsync));
    }

    private void Run(TimeSpan span) =>
        _group.Time.Run(
            span, () => _group.Time.Sleepers == 1 && (_server.Changed.Waiters == 1 || _group.Supervisor.States.Any(s => !s.IsRunning)));
}
