using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// What a starting Redis makes of Sentinels in states that real ones reach by rare races only: scripted Sentinels, a real
/// redis-bootstrap, real Redis servers as peers.
/// </summary>
public sealed class SentinelDecisionTests : IAsyncDisposable
{
    // Peers that let this group's sidecars and replicas in, and nobody else by those names.
    private static readonly string[] OurUsers =
        ["user sidecar-test/loose on nopass ~* &* +@all", "user repl-test/loose on nopass ~* &* +@all"];
    private readonly List<IAsyncDisposable> _all = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(_all)) await one.DisposeAsync();
    }

    [Fact]
    public async Task Two_addresses_in_one_epoch_and_no_majority_is_waited_for()
    {
        var (one, two) = (LooseNode.Nowhere(), LooseNode.Nowhere());
        var node = await StartAsync([Says('a', one, 7).Endpoint, Says('b', two, 7).Endpoint, LooseNode.Nowhere()]);
        var decision = await node.Process.WaitForDecisionAsync("sentinel-split");
        Assert.Equal("Wait", decision.Kind);
        Assert.Contains("2 addresses in epoch 7", decision.Reason, StringComparison.Ordinal);
        Assert.Contains(one.ToString(), decision.Reason, StringComparison.Ordinal);
        Assert.Contains(two.ToString(), decision.Reason, StringComparison.Ordinal);
        Assert.False(await node.ListensAsync());
    }

    [Fact]
    public async Task The_odd_Sentinel_of_a_lasting_split_is_ended_and_the_majority_followed()
    {
        var master = Keep(await RedisProcess.StartAsync(OurUsers));
        var odd = Says('c', LooseNode.Nowhere(), 7);
        FakeSentinel[] right = [Says('a', master.Endpoint, 7), Says('b', master.Endpoint, 7)];
        var node = await StartAsync([right[0].Endpoint, right[1].Endpoint, odd.Endpoint], [master.Endpoint]);
        await Eventually.UntilAsync("the odd Sentinel to be ended", () => odd.Shutdowns > 0, seen: () => node.Process.Tail());
        odd.View = new FakeSentinelView { Master = master.Endpoint, Epoch = 7 }; // as it is after its restart
        var decision = await node.Process.WaitForDecisionAsync("follow-sentinels");
        Assert.Equal("Follow", decision.Kind);
        Assert.Contains("sentinel-split-odd", node.Process.Codes());
        Assert.All(right, sentinel => Assert.Equal(0, sentinel.Shutdowns));
        await WaitForLinkedReplicaAsync(master.Endpoint);
    }

    [Fact]
    public async Task A_higher_epoch_that_a_minority_holds_is_waited_for_not_outvoted()
    {
        var master = Keep(await RedisProcess.StartAsync(OurUsers));
        var promoted = LooseNode.Nowhere();
        var node = await StartAsync(
            [Says('a', promoted, 9).Endpoint, Says('b', master.Endpoint, 8).Endpoint, Says('c', master.Endpoint, 8).Endpoint],
            [master.Endpoint]);
        var decision = await node.Process.WaitForDecisionAsync("epoch-spreading");
        Assert.Equal(("Wait", "the other Sentinels to learn this epoch"), (decision.Kind, decision.WaitingFor));
        Assert.Contains($"only 1 of 3 Sentinels hold the highest epoch 9 ({promoted})", decision.Reason, StringComparison.Ordinal);
        Assert.False(await node.ListensAsync());
    }

    [Fact]
    public async Task A_failover_under_way_is_waited_for_and_then_its_winner_followed()
    {
        var master = Keep(await RedisProcess.StartAsync(OurUsers));
        var dead = LooseNode.Nowhere();
        FakeSentinel[] sentinels = [Says('a', dead, 3), Says('b', dead, 3), Says('c', dead, 3)];
        sentinels[1].View = sentinels[1].View with { Flags = "master,s_down,o_down,failover_in_progress" };
        var node = await StartAsync([.. sentinels.Select(s => s.Endpoint)], [master.Endpoint]);
        Assert.Contains(sentinels[1].Endpoint.ToString(), (await node.Process.WaitForDecisionAsync("failover-in-progress")).Reason,
            StringComparison.Ordinal);
        foreach (var sentinel in sentinels) sentinel.View = new FakeSentinelView { Master = master.Endpoint, Epoch = 4 };
        Assert.Equal("Follow", (await node.Process.WaitForDecisionAsync("follow-sentinels")).Kind);
        await WaitForLinkedReplicaAsync(master.Endpoint);
    }

    [Fact]
    public async Task Where_Sentinels_name_a_dead_address_the_elected_node_follows_it_instead_of_being_master()
    {
        var dead = LooseNode.Nowhere();
        var node = new LooseNode();
        Keep(node);
        FakeSentinel[] sentinels = [Says('a', dead), Says('b', dead), Says('c', dead)];
        foreach (var sentinel in sentinels) sentinel.View = sentinel.View with { Replicas = [node.Endpoint] }; // so they can promote it
        await StartAsync(node, [.. sentinels.Select(s => s.Endpoint)], []);
        var decision = await node.Process.WaitForDecisionAsync("elected-through-sentinel");
        Assert.Equal("FollowNamed", decision.Kind);
        Assert.Contains($"3 of 3 Sentinels name {dead} in epoch 1", decision.Reason, StringComparison.Ordinal);
        await node.WaitServingAsync();
        await using var client = await node.ConnectAsync();
        var role = await client.CallAsync(default, "ROLE");
        Assert.Equal(("slave", dead), (role.Items[0].Text, new RedisEndpoint(role.Items[1].Text, (int)role.Items[2].Integer)));
    }

    [Fact]
    public async Task Sentinels_that_name_nobodys_address_and_can_not_be_told_are_ended_together()
    {
        var dead = LooseNode.Nowhere();
        FakeSentinel[] sentinels = [Says('a', dead), Says('b', dead), Says('c', dead)]; // they list no other Sentinel
        var node = await StartAsync([.. sentinels.Select(s => s.Endpoint)]);
        // Alive in their eyes, it may be cut off from here only.
        Assert.Equal("Wait", (await node.Process.WaitForDecisionAsync("named-unaccounted")).Kind);
        Assert.All(sentinels, s => Assert.Equal(0, s.Shutdowns));
        foreach (var sentinel in sentinels) sentinel.View = sentinel.View with { Flags = "master,s_down,o_down" };
        await node.Process.WaitForEventAsync("sentinels-not-told");
        Assert.Equal("RestartSentinels", (await node.Process.WaitForDecisionAsync("sentinels-not-told")).Kind);
        await node.Process.WaitUntilAsync("an end of each", () => Task.FromResult(sentinels.All(s => s.Shutdowns > 0)));
        Assert.False(await node.ListensAsync());
    }

    [Fact]
    public async Task A_dead_named_master_is_Sentinels_to_replace_while_another_node_lives()
    {
        var dead = LooseNode.Nowhere();
        var replica = Keep(await RedisProcess.StartAsync([.. OurUsers, ReplicaOf(dead)]));
        var node = await StartAsync([Says('a', dead).Endpoint, Says('b', dead).Endpoint, Says('c', dead).Endpoint], [replica.Endpoint]);
        var decision = await node.Process.WaitForDecisionAsync("named-is-dead");
        Assert.Equal(("Wait", "Sentinel's failover"), (decision.Kind, decision.WaitingFor));
        Assert.False(await node.ListensAsync());
    }

    [Fact]
    public async Task A_Sentinel_in_tilt_promotes_nobody_and_is_not_asked_to_fail_over()
    {
        var me = new LooseNode();
        Keep(me);
        var replica = Keep(await RedisProcess.StartAsync([.. OurUsers, ReplicaOf(me.Endpoint)]));
        FakeSentinel[] sentinels = [Says('a', me.Endpoint), Says('b', me.Endpoint), Says('c', me.Endpoint)];
        sentinels[0].View = sentinels[0].View with { Tilt = true, Replicas = [replica.Endpoint] };
        await StartAsync(me, [.. sentinels.Select(s => s.Endpoint)], [replica.Endpoint]);
        Assert.Equal("Wait", (await me.Process.WaitForDecisionAsync("named-no-promotable-replica")).Kind);
        sentinels[2].View = sentinels[2].View with { Replicas = [replica.Endpoint] };
        // Telling is refused while one of them is in TILT; after a few tries one is asked.
        Assert.Equal("Succeed", (await me.Process.WaitForDecisionAsync("named-hand-over")).Kind);
        await me.Process.WaitForEventAsync("failover-requested");
        // The lowest id that does not distrust its own clock, and only that one.
        Assert.True(sentinels[1].Failovers > 0);
        Assert.Equal((0, 0), (sentinels[0].Failovers, sentinels[2].Failovers));
        Assert.False(await me.ListensAsync());
    }

    [Fact]
    public async Task Sentinels_that_know_no_master_leave_it_to_the_roles_of_the_peers()
    {
        var master = Keep(await RedisProcess.StartAsync(OurUsers));
        var node = await StartAsync([Says('a', null).Endpoint, Says('b', null).Endpoint, Says('c', null).Endpoint], [master.Endpoint]);
        var decision = await node.Process.WaitForDecisionAsync("follow-peer-master");
        Assert.Contains("3 of 3 Sentinels answer and none knows the master name", decision.Reason, StringComparison.Ordinal);
        await WaitForLinkedReplicaAsync(master.Endpoint);
    }

    [Theory]
    [InlineData("password", "WRONGPASS")]
    [InlineData("silent", "within the deadline")]
    [InlineData("garbage", "")]
    [InlineData("closes", "")]
    public async Task Sentinels_without_a_usable_answer_are_no_vote_and_no_contradiction(string how, string why)
    {
        var bad = Enumerable.Range(0, 3).Select(_ => Keep(Unusable(how))).ToArray();
        var master = Keep(await RedisProcess.StartAsync(OurUsers));
        var node = await StartAsync([.. bad.Select(server => server.Endpoint)], [master.Endpoint]);
        var decision = await node.Process.WaitForDecisionAsync("follow-peer-master");
        Assert.StartsWith("0 of 3 Sentinels answer, 2 are needed", decision.Reason, StringComparison.Ordinal);
        Assert.All(bad, server => Assert.Contains(server.Endpoint.ToString(), decision.Reason, StringComparison.Ordinal));
        Assert.True(decision.Reason.Contains(why, StringComparison.Ordinal), decision.Reason);
        await WaitForLinkedReplicaAsync(master.Endpoint);
    }

    [Fact]
    public async Task Another_tenants_Redis_at_the_named_address_is_refused_and_the_data_kept()
    {
        var foreign = Keep(await RedisProcess.StartAsync("user sidecar-other/redis on nopass ~* &* +@all"));
        var node = new LooseNode();
        Keep(node);
        await node.StartAsync(); // once alone, for data of its own
        await node.WaitServingAsync();
        await using (var client = await node.ConnectAsync())
            Assert.Equal("OK", (await client.CallAsync(default, "SET", "mine", "kept")).Text);
        await node.Process.KillAsync();
        var before = FilesOf(node.DataFolder);

        node.Environment["REDIS_COUNT"] = "3"; // the address may be of a node that is not seen
        await StartAsync(
            node, [Says('a', foreign.Endpoint).Endpoint, Says('b', foreign.Endpoint).Endpoint, Says('c', foreign.Endpoint).Endpoint], []);
        var decision = await node.Process.WaitForDecisionAsync("named-refuses-login");
        Assert.Equal("Refuse", decision.Kind);
        Assert.Contains("WRONGPASS", decision.Reason, StringComparison.Ordinal);
        Assert.False(await node.ListensAsync());
        Assert.Equal(before, FilesOf(node.DataFolder));
        await using var other = await LooseNode.ConnectAsync(foreign.Endpoint);
        Assert.Equal(0, (await other.CallAsync(default, "DBSIZE")).Integer);
    }

    private static FakeRedisServer Unusable(string how) => how switch
    {
        "password" => FakeRedisServer.Answering(command => FakeReply.Error(
            command[0] == "AUTH" ? "WRONGPASS invalid username-password pair or user is disabled." : "NOAUTH Authentication required.")),
        "silent" => FakeRedisServer.Silent(),
        "garbage" => FakeRedisServer.SendingThenClosing(FakeReply.Raw("HTTP/1.1 400 Bad Request\r\n\u00ff\u00fe\r\n\r\n")),
        _ => FakeRedisServer.Start((_, _) => Task.CompletedTask),
    };

    private static string ReplicaOf(RedisEndpoint master) =>
        string.Create(CultureInfo.InvariantCulture, $"replicaof {master.Host} {master.Port}");

    private static string[] FilesOf(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => $"{f} {Convert.ToHexString(File.ReadAllBytes(f))}")];

    private static Task WaitForLinkedReplicaAsync(RedisEndpoint master) => Eventually.UntilAsync($"a replica of {master}", async () =>
    {
        await using var client = await LooseNode.ConnectAsync(master);
        return (await client.CallAsync(default, "INFO", "replication")).Text.Contains("state=online", StringComparison.Ordinal);
    });

    private FakeSentinel Says(char id, RedisEndpoint? master, long epoch = 1) =>
        Keep(new FakeSentinel(id, new FakeSentinelView { Master = master, Epoch = epoch }));

    private async Task<LooseNode> StartAsync(RedisEndpoint[] sentinels, RedisEndpoint[]? peers = null)
    {
        var node = Keep(new LooseNode());
        await StartAsync(node, sentinels, peers ?? []);
        return node;
    }

    private static Task<ServerProcess> StartAsync(LooseNode node, RedisEndpoint[] sentinels, RedisEndpoint[] peers)
    {
        node.Environment["SENTINEL_COUNT"] = sentinels.Length.ToString(CultureInfo.InvariantCulture);
        node.Environment["REDIS_SENTINEL_SERVICE_HOST"] = string.Join(',', sentinels);
        node.Environment["REDIS_SERVER_SERVICE_HOST"] = string.Join(',', peers.Append(node.Endpoint));
        node.Environment["COMMAND_TIMEOUT"] = "2000";
        return node.StartAsync();
    }

    private T Keep<T>(T one)
        where T : IAsyncDisposable
    {
        _all.Add(one);
        return one;
    }
}
