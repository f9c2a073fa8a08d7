using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>A master whose death is told by hand; three Sentinels name it, and one replica can be promoted.</summary>
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
    public async Task A_death_after_a_quiet_day_is_handed_over_at_once_and_once_while_it_is_carried_out()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(TimeSpan.FromHours(24));
            Assert.Equal((0, 0), (_group.Replica.Connects, _group.Sentinels.Sum(s => s.Connects)));
            var died = _group.Time.Now;
            _server.Say(Dead);
            _group.Time.Settle(() => !_group.Changes.IsEmpty);
            Assert.Equal(died, _group.Time.Now);
            Run((3 * Second) - TimeSpan.FromMilliseconds(100));
            Assert.Single(_group.Changes);
            // No Sentinel shows it: told again.
            Run(Second);
            Assert.Equal(2, _group.Changes.Count);
        });
    }

    [Fact]
    public async Task A_Sentinel_that_refuses_is_asked_ten_times_a_second_until_it_takes_the_request()
    {
        _group.FailoverReply = FakeReply.Error("NOGOODSLAVE No suitable replica to promote");
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            Run(10 * Second);
            Assert.InRange(_group.Changes.Count, 90, 110);
            _group.FailoverReply = FakeReply.Simple("OK");
            var before = _group.Changes.Count;
            Run(2 * Second);
            Assert.Equal(before + 1, _group.Changes.Count);
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
            _group.Time.Settle(() => !_group.Changes.IsEmpty);
            Assert.Equal(now, _group.Time.Now);
        });
    }

    [Fact]
    public async Task A_replica_that_hangs_is_waited_for_150_ms()
    {
        _group.Replica.Hangs = true;
        Start();
        await OnThreadAsync(() =>
        {
            Run(Second);
            _server.Say(Dead);
            _group.Time.Settle(() => _group.Replica.Connects == 1);
            var died = _group.Time.Now;
            _group.Time.Run(TimeSpan.FromMilliseconds(149), () => true);
            Assert.Empty(_group.Changes);
            _group.Time.Run(TimeSpan.FromMilliseconds(1), () => true);
            _group.Time.Settle(() => !_group.Changes.IsEmpty);
            Assert.Equal(died + TimeSpan.FromMilliseconds(150), _group.Time.Now);
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
            Assert.Single(_group.Changes);
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

    private void Start(bool dryRun = false)
    {
        _server.Say(FailoverFacts.Master);
        _group.Start(("death", _group.DeathOf(_server, _sentinels, () => _heartbeat, dryRun).RunAsync));
    }

    private void Run(TimeSpan span) =>
        _group.Time.Run(span, () => _group.Time.Sleepers == 1 && (_server.Changed.Waiters == 1 || _group.Supervisor.States.Any(s => !s.IsRunning)));
}
