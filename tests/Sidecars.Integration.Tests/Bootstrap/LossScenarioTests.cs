using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// Disks, deaths and returns under load, with the sidecars' markers and record: what was acknowledged and lies on a disk is never
/// given up, and a node without it never wins. Two seeds each; <c>SIDECARS_SEEDS</c>, or the counts of the soak with
/// <c>SIDECARS_SOAK=1</c>.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class LossScenarioTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> RedisLoss => Seeds(20, "newest", "stale", "absent");

    public static TheoryData<string, int> TotalLoss => Seeds(25, "aof", "rdb");

    public static TheoryData<string, int> EmptyMaster => Seeds(20, "file", "lease");

    [Theory]
    [MemberData(nameof(RedisLoss))]
    public async Task Every_Redis_is_killed_while_the_Sentinels_live(string namedDisk, int seed)
    {
        await using var run = await Run.StartAsync($"redis-loss-{namedDisk}", seed, "aof");
        var group = run.Group;
        var named = (await group.ObserveAsync()).Master!.Node;
        var old = named.SnapshotVolume();
        await run.WriteForAsync(markers: 8);
        await Task.WhenAll(group.Redis.Select(node => node.KillAsync()));
        await run.Load.StopAsync();
        if (namedDisk == "stale") named.RestoreVolume(old);
        if (namedDisk == "absent") named.WipeData();
        var best = await run.HeldAsync();

        await group.StartAsync(group.Redis.OrderBy(_ => run.Random.Next()));
        var state = await group.WaitAgreedAsync();
        await run.AssertNothingHeldIsLostAsync(state, best);
        // Redis may hold a write back from its file for up to 2 s (an fsync is under way): then a replica's disk is the newest after all.
        if (namedDisk == "newest" && run.HeldBy[named] == best) Assert.Equal(named, state.Master!.Node);
        if (namedDisk != "newest") Assert.NotEqual(named, state.Master!.Node);
        // Sentinel carried it out: it has nothing to undo later.
        var epochs = state.Sentinels.Select(s => s.Epoch).ToArray();
        if (RunCount.Soak) await WatchAsync(group, state.Master!.Node, epochs[0], TimeSpan.FromSeconds(60));
        output.WriteLine(run.Summary(state));
    }

    [Theory]
    [MemberData(nameof(TotalLoss))]
    public async Task All_pods_and_Sentinels_are_killed_at_once_and_come_back_in_any_order(string durability, int seed)
    {
        await using var run = await Run.StartAsync($"total-loss-{durability}", seed, durability);
        var group = run.Group;
        await run.WriteForAsync(markers: 7);
        if (durability == "rdb") await run.SaveAsync();
        await Task.WhenAll(group.All.Select(node => node.KillAsync()));
        await run.Load.StopAsync();
        foreach (var sentinel in group.Sentinels) sentinel.WipeConfig();
        var best = await run.HeldAsync();

        await using var monitor = MasterMonitor.Start(group);
        await group.StartAsync(group.All.OrderBy(_ => run.Random.Next()), _ => TimeSpan.FromMilliseconds(run.Random.Next(0, 600)));
        var state = await group.WaitAgreedAsync();
        await run.AssertNothingHeldIsLostAsync(state, best);
        Assert.Empty(monitor.Findings);
        output.WriteLine(run.Summary(state));
    }

    [Theory]
    [MemberData(nameof(EmptyMaster))]
    public async Task An_emptied_master_that_returns_inside_down_after_wipes_nobody(string election, int seed)
    {
        await using var cluster = election == "lease" ? await FakeKubernetesServer.StartAsync() : null;
        await using var run = await Run.StartAsync($"empty-master-{election}", seed, "aof", cluster);
        var group = run.Group;
        await run.WriteForAsync(markers: 2);
        await run.Load.StopAsync();
        var master = (await group.ObserveAsync()).Master!.Node;
        var before = (await run.Load.CheckAsync(master.Endpoint)).Checked;
        await master.KillAsync();
        master.WipeData();
        await master.StartAsync();
        var state = await group.WaitAgreedAsync();
        Assert.NotEqual(master, state.Master!.Node);
        var check = await run.Load.CheckAsync(state.Master.Node.Endpoint);
        Assert.Equal(before, check.Checked);
        // Asynchronous replication: what the killed master had not sent is on no disk any more.
        Assert.InRange(check.MissingCount, 0, 20);
        output.WriteLine($"{run.Summary(state)}; {before} acknowledged, {check.MissingCount} not yet replicated at the kill");
    }

    [Fact]
    public async Task A_volume_of_earlier_never_wins_and_alone_waits_for_the_newer_ones()
    {
        await using var run = await Run.StartAsync("stale-disk", 1, "aof");
        var group = run.Group;
        var master = (await group.ObserveAsync()).Master!.Node;
        var stale = group.Redis.First(node => node != master);
        var old = stale.SnapshotVolume();
        await run.WriteForAsync(markers: 8);
        await Task.WhenAll(group.All.Select(node => node.KillAsync()));
        await run.Load.StopAsync();
        stale.RestoreVolume(old);
        var best = await run.HeldAsync();

        await stale.StartAsync();
        await Eventually.UntilAsync("the stale one to say whom it waits for",
            () => Task.FromResult(stale.Process!.Decisions() is [.., { } last] && last.Code == "election-wait"));
        var waiting = stale.Process!.Decisions()[^1];
        Assert.Contains(master.Name, waiting.WaitingFor, StringComparison.Ordinal);
        Assert.DoesNotContain("StartAsMaster", stale.Process!.Decisions().Select(d => d.Kind));

        foreach (var node in group.All.Where(n => n != stale)) await node.StartAsync();
        var state = await group.WaitAgreedAsync();
        Assert.NotEqual(stale, state.Master!.Node);
        await run.AssertNothingHeldIsLostAsync(state, best);
        Assert.DoesNotContain("StartAsMaster", stale.Process!.Decisions().Select(d => d.Kind));
        output.WriteLine(waiting.Reason);
    }

    [Fact]
    public async Task Data_that_the_new_master_may_lack_are_kept_before_they_are_replaced()
    {
        await using var run = await Run.StartAsync("rescue", 1, "aof");
        var group = run.Group;
        await run.WriteForAsync(markers: 2);
        var killed = (await group.ObserveAsync()).Master!.Node;
        await killed.KillAsync();
        await group.WaitForAsync(
            "another master", s => s.Master is { } m && m.Node != killed && s.Sentinels.All(x => x.Master == m.Node.Endpoint));
        await killed.StartAsync();
        await group.WaitAgreedAsync();
        var kept = Assert.Single(new RescueStore(killed.DataFolder, new RescueLimits(3, long.MaxValue)).List());
        Assert.True(kept.Bytes > 0);
        Assert.True(kept.Token.Epoch > 0, $"{kept.Token}");
        // A replica's data came out of the living master's stream: nothing to keep.
        var replica = (await group.ObserveAsync()).Redis.First(r => !r.IsMaster && r.Node != killed).Node;
        await replica.RestartAsync();
        await group.WaitAgreedAsync();
        Assert.Empty(new RescueStore(replica.DataFolder, new RescueLimits(3, long.MaxValue)).List());
    }

    [Fact]
    public async Task An_API_server_that_is_away_is_not_needed_while_Sentinels_or_peers_answer()
    {
        await using var cluster = await FakeKubernetesServer.StartAsync();
        await using var run = await Run.StartAsync("api-down", 1, "aof", cluster);
        var group = run.Group;
        await run.WriteForAsync(markers: 2);
        cluster.Forbids = (_, _, _) => true; // as good as down: no call succeeds
        var replica = (await group.ObserveAsync()).Redis.First(r => !r.IsMaster).Node;
        await replica.KillAsync();
        await replica.StartAsync();
        await group.WaitAgreedAsync();
        Assert.Equal("follow-sentinels", replica.Process!.Codes()[^1]);

        await Task.WhenAll(group.Sentinels.Select(s => s.KillAsync()));
        await replica.KillAsync();
        await replica.StartAsync();
        await group.WaitForAsync("the replica to be linked", s => s.LinkedReplicas == 2);
        Assert.Equal("follow-peer-master", replica.Process!.Codes()[^1]);

        // With everything down it is: nobody starts, everybody says why, and all is well when it comes back.
        await Task.WhenAll(group.Redis.Select(s => s.KillAsync()));
        await run.Load.StopAsync();
        var best = await run.HeldAsync();
        await group.StartAsync(group.Redis);
        await Eventually.UntilAsync("all to wait for the election",
            () => Task.FromResult(group.Redis.All(n => n.Process!.Codes() is [.., "election-unavailable"])));
        cluster.Forbids = (_, _, _) => false;
        await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2);
        await group.StartAsync(group.Sentinels);
        await run.AssertNothingHeldIsLostAsync(await group.WaitAgreedAsync(), best);
    }

    private static TheoryData<string, int> Seeds(int soak, params string[] kinds)
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in kinds)
            for (var seed = 1; seed <= RunCount.Of(soak); seed++) data.Add(kind, seed);
        return data;
    }

    // Sentinel undid an election that it had not carried out 20 s later; it looks once more after twice its failover time-out.
    private static async Task WatchAsync(LocalGroup group, LocalNode master, long epoch, TimeSpan time)
    {
        var until = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(until) < time)
        {
            var state = await group.ObserveAsync();
            // One look that a busy machine cut short says nothing; an epoch that moved would still be seen by the last.
            if (state.Master is { } seen) Assert.Equal(master, seen.Node);
            Assert.All(state.Sentinels.Where(s => s is { Presence: Presence.Up, Master: not null }), s => Assert.Equal(epoch, s.Epoch));
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }

        var last = await group.WaitAgreedAsync();
        Assert.Equal(master, last.Master!.Node);
        Assert.All(last.Sentinels, s => Assert.Equal(epoch, s.Epoch));
    }

    private sealed class Run : IAsyncDisposable
    {
        public required LocalGroup Group { get; init; }

        public required WriteLoad Load { get; init; }

        public required GroupSidecars Sidecars { get; init; }

        public required Random Random { get; init; }

        /// <summary>Acknowledged keys on each disk, after <see cref="HeldAsync"/>.</summary>
        public Dictionary<LocalNode, long> HeldBy { get; } = [];

        public static async Task<Run> StartAsync(string name, int seed, string durability, FakeKubernetesServer? cluster = null)
        {
            var group = new LocalGroup(new LocalGroupOptions { Name = name, Durability = durability, Kubernetes = cluster });
            try
            {
                await group.StartHealthyAsync();
                var sidecars = GroupSidecars.Start(group);
                var load = WriteLoad.Start(new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName)
                { Writers = 4, WritesPerSecond = 2000 });
                var run = new Run { Group = group, Load = load, Sidecars = sidecars, Random = new Random(seed) };
                await Eventually.UntilAsync(
                    "the master to be on record", async () => (await sidecars.RecordAsync()).LastServing is not null);
                return run;
            }
            catch
            {
                await group.DisposeAsync();
                throw;
            }
        }

        /// <summary>Until every marker was written so many times again: its time moves by a second each.</summary>
        public async Task WriteForAsync(int markers)
        {
            var mark = Load.Acks.Mark();
            await Task.WhenAll(Group.Redis.Select(async node =>
            {
                var store = new MarkerStore(node.DataFolder);
                for (var i = 0; i < markers; i++)
                {
                    var before = store.Read().Value?.WrittenAt;
                    await Eventually.UntilAsync(
                        "a new marker", () => Task.FromResult(store.Read() is { IsKnown: true } now && now.Value!.WrittenAt != before));
                }
            }));
            Assert.True(mark.Count > 0);
        }

        /// <summary>Each replica saves what it has; the master goes on.</summary>
        public async Task SaveAsync()
        {
            foreach (var node in Group.Redis)
            {
                await using var client = await Group.ConnectAsync(node, TimeSpan.FromSeconds(10));
                // refused while a child saves for a full sync
                await Eventually.UntilAsync("SAVE to be taken", async () => (await client.CallAsync(default, "SAVE")).Text == "OK");
            }
        }

        /// <summary>Acknowledged keys that the best disk holds, found by a server of its own on a copy of each.</summary>
        public async Task<long> HeldAsync()
        {
            long best = 0;
            foreach (var node in Group.Redis)
            {
                var copy = node.SnapshotVolume() + "-held";
                if (Directory.Exists(copy)) Directory.Delete(copy, recursive: true);
                Directory.Move(node.DataFolder + ".snapshot", copy);
                await using var server = await RedisProcess.StartAsync(
                    $"dir {copy}", $"appendonly {(Group.Options.Durability == "aof" ? "yes" : "no")}");
                await server.Process.WaitUntilAsync("the data to be loaded", async () =>
                {
                    await using var client = await Core.Redis.RedisClient.ConnectAsync(
                        new Core.Redis.TcpTransport(server.Endpoint), new Core.Redis.RedisClientOptions(), default);
                    return !(await client.CallAsync(default, "DBSIZE")).IsError;
                });
                var check = await Load.CheckAsync(server.Endpoint);
                HeldBy[node] = check.Checked - check.MissingCount;
                best = Math.Max(best, HeldBy[node]);
            }

            return best;
        }

        public async Task AssertNothingHeldIsLostAsync(GroupState state, long best)
        {
            var check = await Load.CheckAsync(state.Master!.Node.Endpoint);
            Assert.True(check.Checked - check.MissingCount >= best,
                $"{state.Master.Node} holds {check.Checked - check.MissingCount} of {check.Checked} acknowledged keys, "
                + $"a disk held {best}\n{Summary(state)}");
        }

        public string Summary(GroupState state) =>
            $"master {state.Master?.Node}, epoch {state.Sentinels[0].Epoch}; "
            + $"{string.Join("; ", Group.Redis.Select(n => $"{n}: {string.Join(" > ", n.Process!.Codes())}"))}";

        public async ValueTask DisposeAsync()
        {
            await Load.DisposeAsync();
            await Sidecars.DisposeAsync();
            await Group.DisposeAsync();
        }
    }
}
