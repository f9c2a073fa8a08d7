using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>Transports that throw what no transport should, servers that turn everybody away, and an address that nobody knows.</summary>
public sealed class WatchFailureTests
{
    [Fact]
    public async Task A_Sentinel_s_watch_that_throws_is_shown_and_started_again_and_the_others_go_on()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1));
        var broken = group.Sentinels[1];
        var isBroken = true;
        broken.Refuses = () => isBroken ? new InvalidOperationException("no such certificate") : null;
        group.Start(("sentinels", group.Watch.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            // The resolver's pause, look and subscription of two, and the pause of the third.
            group.Time.Run(TimeSpan.FromMinutes(5), () => group.Time.Sleepers == 1 + 4 + 1);
            Assert.Equal(2, Known(group));
            var state = Assert.Single(group.Supervisor.States, s => !s.IsRunning);
            Assert.Equal(($"sentinel {broken.Endpoint}", "no such certificate"), (state.Name, state.LastError));
            Assert.Equal(state.Failures, group.Failures.Count);
            Assert.InRange(state.Failures, 5, 40);

            isBroken = false;
            group.Time.Run(TimeSpan.FromSeconds(30), () => group.Time.Sleepers is 6 or 7);
            group.Time.Settle(() => group.Time.Sleepers == 7);
            Assert.Equal(3, Known(group));
            Assert.All(group.Supervisor.States, s => Assert.True(s.IsRunning));
        });
    }

    [Fact]
    public async Task One_exception_in_the_watch_of_the_own_server_costs_a_pause_and_a_death_is_noticed_after_it()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1));
        group.Start(("server", group.Server.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            group.Time.Run(TimeSpan.FromSeconds(10), () => group.Time.Sleepers == 1);
            var throws = 1;
            group.Redis.Refuses = () => Interlocked.Decrement(ref throws) >= 0 ? new InvalidOperationException("once") : null;
            group.Time.Run(TimeSpan.FromSeconds(10), () => group.Time.Sleepers == 1);
            Assert.Equal("server: once", Assert.Single(group.Failures));
            Assert.IsType<OwnServer.Answers>(group.Server.Last);
            Assert.Equal(1, group.Redis.OpenConnections);

            group.Redis.Refuses = () => new RedisConnectionException(RedisFailure.Refused, "refused");
            group.Redis.EndAll();
            group.Time.Settle(() => group.Time.Sleepers == 2);
            group.Time.Run(TimeSpan.FromMilliseconds(2), () => true);
            Assert.IsType<OwnServer.Dead>(group.Server.Last);
        });
    }

    [Fact]
    public async Task What_can_t_be_told_of_a_failure_does_not_end_the_loop()
    {
        var time = new VirtualTime();
        var supervisor = new Supervisor(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
            (_, _) => throw new IOException("the pipe is closed"), time, () => 0.5);
        using var stop = new CancellationTokenSource();
        var runs = 0;
        var keeping = supervisor.KeepAsync("loop", _ => throw new InvalidDataException($"run {++runs}"), stop.Token);
        await QuietDayTests.OnThreadAsync(() => time.Run(TimeSpan.FromSeconds(10), () => time.Sleepers == 1));
        Assert.InRange(runs, 10, 20);
        await stop.CancelAsync();
        await keeping;
        Assert.Empty(supervisor.States);
    }

    [Theory]
    [InlineData("-ERR max number of clients reached\r\n")]
    [InlineData("-NOAUTH Authentication required.\r\n")]
    [InlineData("")]
    public async Task A_server_that_turns_us_away_is_asked_ever_more_rarely(string words)
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1));
        group.Start(("server", group.Server.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            group.Time.Run(TimeSpan.FromSeconds(5), () => group.Time.Sleepers == 1);
            var before = group.Redis.Connects;
            group.Redis.Greets = FakeReply.Raw(words);
            group.Redis.EndAll();
            group.Time.Settle(() => group.Time.Sleepers == 2);
            group.Time.Run(TimeSpan.FromMinutes(1), () => group.Time.Sleepers == 2);
            // Look and subscription, which looks as well, each every 0.75 s.
            Assert.InRange(group.Redis.Connects - before, 20, 300);

            group.Redis.Greets = null;
            group.Time.Run(TimeSpan.FromSeconds(2), () => group.Time.Sleepers is 1 or 2);
            group.Time.Settle(() => group.Time.Sleepers == 1);
            Assert.IsType<OwnServer.Answers>(group.Server.Last);
        });
    }

    [Fact]
    public async Task Without_any_name_that_resolves_the_fence_takes_the_address_from_the_server()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1));
        var address = new AnnouncedAddressLoop(
            group.Server, _ => Task.FromResult<(RedisEndpoint?, string)>((null, "no such name")), _ => { }, group.Time, () => 0.5);
        group.Start(("address", address.RunAsync), ("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync),
            ("fence", group.Fence.RunAsync), ("death", group.Death.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            group.Time.Settle(() => group.Sink["fence"] == "open" && group.Sink["death"] == "not-dead");
            Assert.Equal(TimeSpan.Zero, group.Time.Now);
            Assert.Equal((MemoryGroup.Me, true), (group.Server.Address, group.Server.IsAnnounced));
        });
    }

    [Fact]
    public async Task While_the_address_is_not_known_nothing_is_fenced_by_mistake_and_it_is_confirmed_once_it_is()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1)) { Announces = null, Named = (MemoryGroup.Other, 9) };
        RedisEndpoint? resolved = null;
        var asked = 0;
        var address = new AnnouncedAddressLoop(group.Server,
            _ => Task.FromResult<(RedisEndpoint?, string)>((resolved, ++asked > 0 ? "no such name" : "")), _ => { }, group.Time, () => 0.5);
        group.Start(("address", address.RunAsync), ("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync),
            ("fence", group.Fence.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            // The server's watch 1, the Sentinels' 7, the fence 2, the address 1.
            bool IsIdle() => group.Time.Sleepers == 11;
            group.Time.Run(TimeSpan.FromMinutes(1), IsIdle);
            Assert.Equal("address-unknown", group.Sink["fence"]);
            Assert.Empty(group.Changes);
            Assert.InRange(asked, 5, 12);

            // It is this address that the others name another for: fenced by patience, as always.
            resolved = MemoryGroup.Me;
            group.Time.Run(TimeSpan.FromSeconds(20), IsIdle);
            Assert.Contains(group.Changes, c => c.StartsWith("CONFIG SET min-replicas-to-write 1000000", StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task What_the_server_announces_later_replaces_what_was_resolved()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(1)) { Announces = null };
        group.Server.NoteResolved(MemoryGroup.Other);
        group.Start(("server", group.Server.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            group.Time.Run(TimeSpan.FromSeconds(2), () => group.Time.Sleepers == 1);
            Assert.Equal((MemoryGroup.Other, false), (group.Server.Address, group.Server.IsAnnounced));
            var ticket = group.Server.Changed.Ticket();
            group.Announces = MemoryGroup.Me;
            group.Time.Run(TimeSpan.FromSeconds(2), () => group.Time.Sleepers == 1);
            Assert.Equal((MemoryGroup.Me, true, true), (group.Server.Address, group.Server.IsAnnounced, ticket.IsRaised));
            group.Server.NoteResolved(MemoryGroup.Other);
            Assert.Equal(MemoryGroup.Me, group.Server.Address);
        });
    }

    private static int Known(MemoryGroup group) => group.Watch.Observe().OfType<SentinelObservation.Known>().Count();
}
