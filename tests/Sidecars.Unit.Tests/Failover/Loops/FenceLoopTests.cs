using System.Globalization;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The fence, told by hand of a master with two replicas that three Sentinels name. Its patience is 4 s.</summary>
public sealed class FenceLoopTests : IAsyncDisposable
{
    private const string Fenced = "CONFIG SET min-replicas-to-write 1000000 min-replicas-max-lag 3";
    private const string Lifted = "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 3";
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly MemoryGroup _group = new(Second);
    private readonly HandServer _server;
    private readonly HandSentinels _sentinels = new();
    private int _fresh = 2;
    private bool _isRead = true;
    private volatile bool _looks;

    public FenceLoopTests()
    {
        _server = new HandServer(_group.Time);
        _server.LookAt = _ => Task.FromResult<OwnServer>(Master);
    }

    private OwnServer.Answers Master =>
        FailoverFacts.Master with
        { FreshReplicas = _fresh, MinReplicas = _isRead ? long.Parse(_group.MinReplicas, CultureInfo.InvariantCulture) : null };

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public async Task Cut_off_from_all_it_is_fenced_when_patience_ends_and_open_in_the_moment_of_a_majority()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            Isolate();
            Run((4 * Second) - TimeSpan.FromMilliseconds(1));
            Assert.Empty(_group.Changes);
            Run(TimeSpan.FromMilliseconds(1));
            Assert.Equal([Fenced], _group.Changes);

            // The Sentinels say nothing for an hour: it is set once.
            Run(TimeSpan.FromHours(1));
            Assert.Equal([Fenced], _group.Changes);
            var now = _group.Time.Now;
            _sentinels.Name(MemoryGroup.Me, 3);
            _group.Time.Settle(() => _group.Changes.Count == 2);
            Assert.Equal((Lifted, now), (_group.Changes.Last(), _group.Time.Now));
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_it_gave_up_stays_fenced_for_an_hour_in_that_epoch_and_a_later_one_gives_it_back(bool isRead)
    {
        _isRead = isRead;
        _group.GivenUp = new GivenUp(4, "it gave up for another in epoch 4");
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            Isolate();
            Run(4 * Second);
            Assert.Equal([Fenced], _group.Changes);
            _fresh = 2;
            _server.Say(Master);
            _sentinels.Name(MemoryGroup.Me, 4);
            Run(TimeSpan.FromHours(1));
            Assert.Equal([Fenced], _group.Changes);
            _sentinels.Name(MemoryGroup.Me, 5);
            _group.Time.Settle(() => _group.Changes.Count == 2);
            Assert.Equal(Lifted, _group.Changes.Last());
        });
    }

    [Fact]
    public async Task A_server_that_takes_seconds_to_answer_delays_the_fence_by_one_answer()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            // Nobody else looks: what the fence goes by is stale, and its own look takes 3 s.
            _server.LookAt = async cancellation =>
            {
                _looks = true;
                await Task.Delay(3 * Second, _group.Time, cancellation);
                _looks = false;
                return Master;
            };
            Isolate();
            Run(7 * Second);
            Assert.Equal([Fenced], _group.Changes);
        });
    }

    [Fact]
    public async Task A_round_that_throws_costs_a_pause_and_no_patience()
    {
        _group.Named = (MemoryGroup.Other, 3);
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            _sentinels.Name(MemoryGroup.Other, 3);
            Run(2 * Second);
            _sentinels.Throws = new InvalidDataException("a view that is none");
            Run((2 * Second) + TimeSpan.FromMilliseconds(500));
            Assert.Equal("fence: a view that is none", Assert.Single(_group.Failures));
            Assert.Equal([Fenced], _group.Changes);
        });
    }

    [Fact]
    public async Task A_server_that_turns_the_fence_away_is_tried_every_half_second_and_fenced_once_it_lets_in()
    {
        _group.Named = (MemoryGroup.Other, 4);
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            var before = _group.Redis.Connects;
            _group.Redis.Greets = FakeReply.Raw("-ERR max number of clients reached\r\n");
            _sentinels.Name(MemoryGroup.Other, 4);
            Run(TimeSpan.FromMinutes(1));
            // Each try is a connect, and each look at its identity one.
            Assert.InRange(_group.Redis.Connects - before, 60, 150);
            Assert.Empty(_group.Changes);

            _group.Redis.Greets = null;
            Run(TimeSpan.FromMilliseconds(500));
            Assert.Equal([Fenced], _group.Changes);
        });
    }

    [Fact]
    public async Task A_process_that_was_stopped_hears_the_Sentinels_before_it_fences()
    {
        Start();
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            // A minute passes in one step, as for a process under SIGSTOP; the views are of before it, and old.
            _group.Time.Skip(TimeSpan.FromMinutes(1));
            Isolate();
            Run(Second / 2);
            _fresh = 2;
            _sentinels.Name(MemoryGroup.Me, 3);
            Run(10 * Second);
            Assert.Empty(_group.Changes);
        });
    }

    [Fact]
    public async Task A_dry_run_decides_and_changes_nothing()
    {
        Start(dryRun: true);
        await OnThreadAsync(() =>
        {
            Run(10 * Second);
            Isolate();
            Run(10 * Second);
            Assert.Equal(("isolated", null), (_group.Sink["fence"], _group.Sink["fence!"]));
            Assert.Empty(_group.Changes);
        });
    }

    private void Start(bool dryRun = false)
    {
        _server.Say(Master);
        _group.Start(("fence", _group.FenceOf(_server, _sentinels, dryRun).RunAsync));
    }

    private void Isolate()
    {
        _fresh = 0;
        _server.Say(Master);
        _sentinels.Name(MemoryGroup.Me, 3, answering: 0);
    }

    private void Run(TimeSpan span) => _group.Time.Run(span, IsIdle);

    // The fence and the watch of its identity hold a timer each, and wait for the server; the fence for the Sentinels, too.
    private bool IsIdle() => _group.Supervisor.States.All(s => s.IsRunning)
        ? _group.Time.Sleepers == 2 && (_looks || (_server.Changed.Waiters, _sentinels.Changed.Waiters) == (2, 1))
        : _group.Time.Sleepers == 1;
}
