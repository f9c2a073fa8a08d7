using System.Collections.Concurrent;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>A real redis-server that has no room for another client: alive, and silent to whoever connects anew.</summary>
[Collection(GroupTests.Name)]
public sealed class FullServerTests
{
    private const string Words = "max number of clients reached";
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500); // 1 s, with the least jitter

    // Without a login; with one; and in a rotation, where the server still has the previous password alone.
    [Theory]
    [InlineData("")]
    [InlineData("current")]
    [InlineData("next", "current")]
    public async Task The_own_server_is_silent_and_not_dead_asked_ever_more_rarely_and_answers_once_there_is_room(
        params string[] passwords)
    {
        var sent = passwords.Where(p => p.Length > 0).Select(p => new RedisCredential(null, p)).ToArray();
        await using var redis = await RedisProcess.StartAsync(sent.Length == 0 ? [] : [$"requirepass {sent[^1].Password}"]);
        var options = new RedisClientOptions
        {
            Credentials = [.. sent],
            ConnectTimeout = TimeSpan.FromSeconds(10),
            CommandTimeout = TimeSpan.FromSeconds(10),
        };
        var pauses = new PauseLog();
        var watch = new OwnServerWatch(
            new OwnServerClient(() => new TcpTransport(redis.Endpoint), options, 3), isLoopback: true, TimeSpan.FromSeconds(1), pauses,
            () => 0);
        await using var inside = await RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), options, default);
        using var stop = new CancellationTokenSource();
        var running = watch.RunAsync(stop.Token);
        await Eventually.UntilAsync("an answer", () => watch.Last is OwnServer.Answers);
        var runId = watch.LastAnswer!.RunId;
        await Eventually.UntilAsync("the connection that is kept", async () => await ConnectionsAsync(inside) >= 2);

        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "1")).Text);
        Assert.False((await inside.CallAsync(default, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")).IsError);
        await Eventually.UntilAsync(
            "silence", () => watch.Last is OwnServer.Silent { Why: var why } && why.Contains(Words, StringComparison.Ordinal),
            seen: () => $"{watch.Last}");
        pauses.Clear();
        var before = await RejectedAsync(inside);
        await Eventually.UntilAsync("the longest pauses", () => pauses.Count(Longest) >= 8, TimeSpan.FromMinutes(1));
        // Each pause is between one attempt and the next; the loop that keeps a connection also looks, where it got one.
        Assert.InRange(await RejectedAsync(inside) - before, 1, (2 * pauses.Count()) + 4);
        Assert.IsType<OwnServer.Silent>(watch.Last); // a death would stand until an answer
        Assert.Equal(runId, watch.LastAnswer!.RunId);

        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "100")).Text);
        await Eventually.UntilAsync("an answer again", () => watch.Last is OwnServer.Answers answers && answers.RunId == runId);
        await Eventually.UntilAsync("the connection that is kept again", async () => await ConnectionsAsync(inside) >= 2);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_peer_that_is_full_is_unknown_and_neither_unreachable_nor_another_tenants()
    {
        await using var redis = await RedisProcess.StartAsync("requirepass current");
        var options = new RedisClientOptions { Credentials = [new RedisCredential(null, "next"), new RedisCredential(null, "current")] };
        await using var inside = await RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), options, default);
        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "1")).Text);
        var nodes = new NodeClient(at => new TcpTransport(at), options);
        var seen = Assert.IsType<NodeObservation.Unknown>(await nodes.ObserveAsync(redis.Endpoint, default));
        Assert.False(seen.LoginRefused);

        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "100")).Text);
        Assert.IsType<NodeObservation.Known>(await nodes.ObserveAsync(redis.Endpoint, default));
    }

    [Fact]
    public async Task A_master_that_is_full_stays_master_and_published_and_its_sidecar_goes_on_once_there_is_room()
    {
        var (rig, master) = await SidecarRig.StartAsync("full");
        await using var disposed = rig;
        await Eventually.UntilAsync("an open master", () => rig.Decisions(master, "fence") is [.., "open"], null, rig.Tails);
        await using var inside = await rig.Group.ConnectAsync(master, TimeSpan.FromSeconds(10));
        Assert.True(ClusterId.TryParse(rig.Group.Options.ClusterId, out var cluster));
        var before = (await RejectedAsync(inside), rig.Decisions(master, "fence").Count);

        // Sentinels and replicas keep the connections that they have.
        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "1")).Text);
        Assert.False((await inside.CallAsync(default, "CLIENT", "KILL", "USER", cluster.SidecarUser, "SKIPME", "yes")).IsError);
        await rig.WaitDecisionAsync(master, "fence", "server-silent", before.Item2);
        await Eventually.UntilAsync(
            "many that were turned away", async () => await RejectedAsync(inside) - before.Item1 > 60, TimeSpan.FromMinutes(2), rig.Tails);
        Assert.Empty(rig.Done(master, "death"));
        Assert.All(rig.Decisions(master, "death"), code => Assert.Equal("not-dead", code));
        Assert.Empty(rig.Done(master, "fence"));
        Assert.Equal("master", (await inside.CallAsync(default, "ROLE")).Items[0].Text);

        Assert.Equal("OK", (await inside.CallAsync(default, "CONFIG", "SET", "maxclients", "10000")).Text);
        await Eventually.UntilAsync("an open master again", () => rig.Decisions(master, "fence")[^1] == "open", null, rig.Tails);
        Assert.Equal("OK", (await inside.CallAsync(default, "SET", "k", "v")).Text);
        Assert.Equal(master, (await rig.Group.WaitHealthyAsync()).Master!.Node);
        await rig.WaitPublishedAsync(master);
    }

    private static async Task<int> ConnectionsAsync(RedisClient client) =>
        (await client.CallAsync(default, "CLIENT", "LIST")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private static async Task<long> RejectedAsync(RedisClient client)
    {
        const string Name = "rejected_connections:";
        var line = (await client.CallAsync(default, "INFO", "stats")).Text.Split("\r\n")
            .Single(l => l.StartsWith(Name, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Name.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>The system's clock, which remembers how long it was asked to wait.</summary>
    private sealed class PauseLog : TimeProvider
    {
        private readonly ConcurrentQueue<TimeSpan> _pauses = new();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _pauses.Enqueue(dueTime);
            return base.CreateTimer(callback, state, dueTime, period);
        }

        public int Count() => _pauses.Count;

        public int Count(TimeSpan pause) => _pauses.Count(p => p == pause);

        public void Clear() => _pauses.Clear();
    }
}
