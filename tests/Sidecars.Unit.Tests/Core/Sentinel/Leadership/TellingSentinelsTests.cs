using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Core.Sentinel.Leadership;

/// <summary>Real Sentinels whose master is dead are told of one that none of them lists.</summary>
public sealed class TellingSentinelsTests(ITestOutputHelper output)
{
    private const string Name = "m";
    private static readonly RedisClientOptions Options =
        new() { ConnectTimeout = TimeSpan.FromSeconds(5), CommandTimeout = TimeSpan.FromSeconds(5) };
    private static readonly SentinelClient Client = new(e => new TcpTransport(e), Options, Name);

    [Fact]
    public async Task All_of_them_switch_in_the_call_and_no_ghost_is_made()
    {
        await using var group = await Group.StartAsync(3);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var outcome = await group.TellAsync(group.New.Endpoint);
        output.WriteLine($"told after {clock.ElapsedMilliseconds} ms: {outcome.Reason}");
        var confirmed = Assert.IsType<LeadershipOutcome.Confirmed>(outcome);
        foreach (var view in await group.LookAsync())
        {
            Assert.Equal((group.New.Endpoint, confirmed.Epoch), (view.Master!.Address, view.Master.ConfigEpoch));
            Assert.Equal(2, view.Others.Length); // a sender that is not known would be a third
            // the dead one stays as a replica that is down, for the ghost repair
            Assert.Contains(view.Replicas, r => r.Address == group.Old);
        }

        foreach (var sentinel in group.Sentinels)
        {
            Assert.Contains(sentinel.Process.Output,
                line => line.Contains($"+switch-master {Name} {group.Old.Host} {group.Old.Port}", StringComparison.Ordinal));
            await Eventually.UntilAsync("CKQUORUM to be OK", async () =>
                (await CallAsync(sentinel.Endpoint, "SENTINEL", "CKQUORUM", Name)).Text.StartsWith("OK 3", StringComparison.Ordinal));
        }

        Assert.Equal("master", (await CallAsync(group.New.Endpoint, "ROLE")).Items[0].Text);
    }

    [Fact]
    public async Task One_Sentinel_that_is_down_meanwhile_learns_it_from_the_others()
    {
        await using var group = await Group.StartAsync(3);
        await group.Sentinels[2].Process.KillAsync();
        var epoch = Assert.IsType<LeadershipOutcome.Confirmed>(await group.TellAsync(group.New.Endpoint)).Epoch;
        await group.Sentinels[2].RestartAsync();
        await group.WaitAsync("the third to follow", views => views.Length == 3
            && views.All(v => v.Master!.Address == group.New.Endpoint && v.Master.ConfigEpoch == epoch && v.Others.Length == 2));
    }

    [Fact]
    public async Task Of_two_that_tell_at_once_the_last_confirmed_one_is_named_by_all_and_an_epoch_has_one_address()
    {
        await using var group = await Group.StartAsync(3);
        await using var other = await RedisProcess.StartAsync();
        var outcomes = await Task.WhenAll(group.TellAsync(group.New.Endpoint), group.TellAsync(other.Endpoint));
        foreach (var one in outcomes) output.WriteLine($"{one.Code}: {one.Reason}");
        var confirmed = outcomes.OfType<LeadershipOutcome.Confirmed>().ToList();
        Assert.Equal(confirmed.Count, confirmed.Select(c => c.Epoch).Distinct().Count());
        await group.WaitAsync("one address", views => views.Select(v => (v.Master!.Address, v.Master.ConfigEpoch)).Distinct().Count() == 1
            && views.All(v => v.Others.Length == 2));
        if (confirmed.Count == 0) return;
        var views = await group.LookAsync();
        Assert.Equal(confirmed.Max(c => c.Epoch), views[0].Master!.ConfigEpoch);
    }

    [Fact]
    public async Task Sentinels_in_a_later_epoch_than_any_command_shows_are_asked_again()
    {
        await using var group = await Group.StartAsync(3);
        await group.RaiseEpochAsync(20);
        Assert.True(Assert.IsType<LeadershipOutcome.Confirmed>(await group.TellAsync(group.New.Endpoint)).Epoch > 20);
    }

    [Fact]
    public async Task A_far_later_epoch_takes_a_second_attempt_that_starts_where_the_first_ended()
    {
        await using var group = await Group.StartAsync(3);
        await group.RaiseEpochAsync(60);
        var first = Assert.IsType<LeadershipOutcome.Refused>(await group.TellAsync(group.New.Endpoint));
        Assert.Equal(("votes-refused", false), (first.Code, first.IsLasting));
        Assert.True(
            Assert.IsType<LeadershipOutcome.Confirmed>(await group.TellAsync(group.New.Endpoint, first.HighestEpoch + 20)).Epoch > 60);
    }

    [Fact]
    public async Task One_Sentinel_alone_can_not_be_told()
    {
        await using var group = await Group.StartAsync(1);
        var refused = Assert.IsType<LeadershipOutcome.Refused>(await group.TellAsync(group.New.Endpoint));
        Assert.Equal(("sentinels-know-no-other", true), (refused.Code, refused.IsLasting));
        Assert.All(await group.LookAsync(), view => Assert.Equal(group.Old, view.Master!.Address));
    }

    [Theory]
    [InlineData("-publish", "publish-denied")]
    [InlineData("-sentinel|is-master-down-by-addr", "vote-denied")]
    public async Task Sentinels_that_do_not_permit_it_change_nothing(string rule, string code)
    {
        await using var group = await Group.StartAsync(3);
        foreach (var sentinel in group.Sentinels)
            Assert.Equal("OK", (await CallAsync(sentinel.Endpoint, "ACL", "SETUSER", "default", rule)).Text);
        var refused = Assert.IsType<LeadershipOutcome.Refused>(await group.TellAsync(group.New.Endpoint));
        Assert.Equal((code, true), (refused.Code, refused.IsLasting));
        Assert.All(await group.LookAsync(), view => Assert.Equal((group.Old, 2), (view.Master!.Address, view.Others.Length)));
    }

    private static async Task<RespValue> CallAsync(RedisEndpoint at, params string[] words)
    {
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(at), Options, default);
        return await client.CallAsync(default, words);
    }

    private sealed class Group(RedisEndpoint old, RedisProcess next, SentinelProcess[] sentinels) : IAsyncDisposable
    {
        public RedisEndpoint Old => old;

        public RedisProcess New => next;

        public SentinelProcess[] Sentinels => sentinels;

        private RedisEndpoint[] Endpoints => [.. sentinels.Select(s => s.Endpoint)];

        /// <summary>
        /// Sentinels that know each other, and a master that has died since; they notice it only after a minute, so that no attempt of
        /// their own interferes.
        /// </summary>
        public static async Task<Group> StartAsync(int count)
        {
            await using var master = await RedisProcess.StartAsync();
            var sentinels = new List<SentinelProcess>();
            for (var i = 0; i < count; i++)
                sentinels.Add(await SentinelProcess.MonitorAsync(Name, master.Endpoint, (count / 2) + 1, 60_000));
            var group = new Group(master.Endpoint, await RedisProcess.StartAsync(), [.. sentinels]);
            await group.WaitAsync(
                "the Sentinels to know each other", views => views.Length == count && views.All(v => v.Others.Length == count - 1));
            return group;
        }

        public Task<LeadershipOutcome> TellAsync(RedisEndpoint target, long learnt = 0)
        {
            var leadership = new SentinelLeadership(
                Client.ObserveAsync, new LeadershipClient(e => new TcpTransport(e), Options, Name), TimeProvider.System);
            return leadership.TellAsync(
                new LeadershipRequest(target, old, sentinels.Length) { UnlistedBecause = "the test knows it", LearntEpoch = learnt },
                Endpoints, default);
        }

        /// <summary>What failed attempts of Sentinels do: their current epoch is higher than anything that a command shows.</summary>
        public async Task RaiseEpochAsync(long epoch)
        {
            foreach (var (sentinel, view) in sentinels.Zip(await LookAsync()))
            {
                var hello = new HelloMessage(view.Others[0], epoch, Name, old, view.Master!.ConfigEpoch);
                Assert.Equal(1, (await CallAsync(sentinel.Endpoint, "PUBLISH", HelloMessage.Channel, hello.Text)).Integer);
            }
        }

        public async Task<SentinelView[]> LookAsync()
        {
            var all = await Task.WhenAll(Endpoints.Select(e => Client.ObserveAsync(e, default)));
            return [.. all.OfType<SentinelObservation.Known>().Select(k => k.View)];
        }

        public async Task WaitAsync(string what, Func<SentinelView[], bool> condition)
        {
            SentinelView[] last = [];
            await Eventually.UntilAsync(what, async () => condition(last = await LookAsync()), TimeSpan.FromSeconds(60),
                () => string.Join('\n', last.Select(
                    v => string.Create(CultureInfo.InvariantCulture, $"{v.Master?.Address} {v.Master?.ConfigEpoch} {v.Others.Length}"))));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var sentinel in sentinels) await sentinel.DisposeAsync();
            await next.DisposeAsync();
        }
    }
}
