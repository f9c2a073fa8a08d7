using System.Globalization;
using System.Text.Json.Nodes;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Bootstrap.Slots;

/// <summary>Slots claimed at a (fake) API server, with real sockets at the addresses that former holders left.</summary>
public sealed class SlotClientTests : IAsyncLifetime
{
    private const string Lease = "redis-sentinels";
    private static readonly ClusterId Cluster =
        ClusterId.TryParse("tenant-a/redis", out var id) ? id : throw new InvalidOperationException();
    private readonly SteppedTime _time = new();
    private readonly HashSet<string> _answering = [];
    private readonly HashSet<string> _reported = [];
    private readonly List<FakeRedisServer> _old = [];
    private FakeKubernetesServer _server = null!;
    private KubernetesClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        _client = new KubernetesClient(_server.Config, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        foreach (var old in _old) await old.DisposeAsync();
    }

    [Fact]
    public async Task Pods_that_start_at_once_get_a_slot_each_and_one_too_many_waits()
    {
        var held = await Task.WhenAll(Enumerable.Range(0, 4).Select(async n =>
        {
            var (slots, me) = (Slots(), Pod(n));
            for (var i = 0; i < 50; i++)
                if (await slots.TryAsync(me, null, default) is SlotOutcome.Held got) return got.Slot;
            return -1;
        }));
        Assert.Equal([-1, 0, 1, 2], held.Order());
        Assert.Equal("slot-taken", Assert.IsType<SlotOutcome.Waiting>(await Slots().TryAsync(Pod(9), null, default)).Code);
    }

    [Fact]
    public async Task A_pod_keeps_its_slot_over_restarts_of_its_container()
    {
        var first = await HoldAsync(Pod(0));
        var again = Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(0), first.Slot, default));
        Assert.Equal((0, "slot-kept"), (again.Slot, again.Code));
        Assert.Equal(1, (await TableAsync()).Claims[0].Heartbeat);
    }

    [Theory]
    [InlineData("silent", true)]
    [InlineData("this id", false)] // force-deleted: gone for the API server, alive on a node that is cut off from it
    [InlineData("another id", true)]
    [InlineData("foreign", true)] // another tenant's Sentinel: it can't vote with us
    [InlineData("not our sidecars", false)]
    [InlineData("hangs", false)]
    [InlineData("full", false)]
    [InlineData("garbage", false)]
    public async Task The_slot_of_a_pod_that_is_gone_is_free_where_nobody_answers_as_it(string how, bool free)
    {
        await HoldAsync(Pod(0, LeftBehind(how)));
        _server.ForgetPod("sentinel-0");
        var outcome = await Slots(count: 1).TryAsync(Pod(1), null, default);
        if (free) Assert.Equal((0, "slot-claimed"), (Assert.IsType<SlotOutcome.Held>(outcome).Slot, ((SlotOutcome.Held)outcome).Code));
        else Assert.Contains("slot 0: sentinel-0", Assert.IsType<SlotOutcome.Waiting>(outcome).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Sentinel_that_answers_elsewhere_with_the_id_keeps_its_slot()
    {
        await HoldAsync(Pod(0));
        _server.ForgetPod("sentinel-0");
        _answering.Add(SlotTable.MyId(Cluster, 0));
        Assert.IsType<SlotOutcome.Waiting>(await Slots(count: 1).TryAsync(Pod(1), null, default));
        // Peers believe in a dead one for down-after; a rollout does not wait for that.
        _answering.Clear();
        _reported.Add(SlotTable.MyId(Cluster, 0));
        Assert.IsType<SlotOutcome.Held>(await Slots(count: 1).TryAsync(Pod(1), null, default));
    }

    [Fact]
    public async Task A_pod_that_is_Terminating_for_ever_gives_its_slot_up_after_30_s_without_a_sign_of_life()
    {
        await HoldAsync(Pod(0));
        _server.Objects.Change(
            "pods", FakeKubernetesServer.Namespace, "sentinel-0", pod => pod["metadata"]!["deletionTimestamp"] = "2026-11-20T10:00:00Z");
        var slots = Slots(count: 1);
        Assert.IsType<SlotOutcome.Waiting>(await slots.TryAsync(Pod(1), null, default));
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Contains("being deleted", Assert.IsType<SlotOutcome.Waiting>(await slots.TryAsync(Pod(1), null, default)).Reason,
            StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<SlotOutcome.Held>(await slots.TryAsync(Pod(1), null, default));
    }

    [Fact]
    public async Task A_pod_that_is_Terminating_and_answers_keeps_it_for_as_long_as_it_does()
    {
        await HoldAsync(Pod(0, LeftBehind("this id")));
        _server.Objects.Change(
            "pods", FakeKubernetesServer.Namespace, "sentinel-0", pod => pod["metadata"]!["deletionTimestamp"] = "2026-11-20T10:00:00Z");
        var slots = Slots(count: 1);
        Assert.IsType<SlotOutcome.Waiting>(await slots.TryAsync(Pod(1), null, default));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Contains("still answers", Assert.IsType<SlotOutcome.Waiting>(await slots.TryAsync(Pod(1), null, default)).Reason,
            StringComparison.Ordinal);
        await _old[0].DisposeAsync();
        _old.Clear();
        Assert.IsType<SlotOutcome.Held>(await slots.TryAsync(Pod(1), null, default));
    }

    [Theory]
    [InlineData("Failed", true)] // evicted: the object stays, its containers never start again
    [InlineData("Succeeded", true)]
    [InlineData("Running", false)]
    [InlineData("Unknown", false)]
    public async Task The_slot_of_a_pod_that_has_ended_is_free(string phase, bool free)
    {
        await HoldAsync(Pod(0));
        _server.Objects.Change(
            "pods", FakeKubernetesServer.Namespace, "sentinel-0", pod => pod["status"] = new JsonObject { ["phase"] = phase });
        Assert.Equal(free, await Slots(count: 1).TryAsync(Pod(1), null, default) is SlotOutcome.Held);
    }

    [Fact]
    public async Task Another_pod_of_the_same_name_is_another_pod()
    {
        var former = Pod(0);
        await HoldAsync(former);
        _server.RunPod("sentinel-0", "uid-new");
        Assert.Equal(
            0, Assert.IsType<SlotOutcome.Held>(await Slots(count: 1).TryAsync(former with { PodUid = "uid-new" }, null, default)).Slot);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(403)]
    [InlineData(401)]
    [InlineData(429)]
    public async Task Without_the_API_server_the_same_pod_goes_on_with_its_slot_and_a_new_one_waits(int status)
    {
        var held = await HoldAsync(Pod(0));
        _server.Next(new Fault.Error(status, "x", status == 429 ? 7 : null));
        var again = Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(0), held.Slot, default));
        Assert.Equal((0, "slot-remembered"), (again.Slot, again.Code));
        _server.Next(new Fault.Error(status, "x", status == 429 ? 7 : null));
        // Another pod: what the server asked of the first is not known there.
        using var other = new KubernetesClient(_server.Config, TimeProvider.System);
        var waiting = Assert.IsType<SlotOutcome.Waiting>(await Slots(client: other).TryAsync(Pod(1), null, default));
        Assert.Equal(("slot-table-unavailable", status == 429 ? TimeSpan.FromSeconds(7) : null), (waiting.Code, waiting.AtLeast));
    }

    [Fact]
    public async Task A_pod_that_can_t_be_looked_up_is_not_gone()
    {
        await HoldAsync(Pod(0));
        _server.ForgetPod("sentinel-0");
        _server.Forbids = (_, kind, _) => kind == "pods";
        Assert.Contains("is not known to be gone",
            Assert.IsType<SlotOutcome.Waiting>(await Slots(count: 1).TryAsync(Pod(1), null, default)).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_whose_outcome_is_unknown_is_settled_by_the_next_read(bool landed)
    {
        _server.Next(null);
        _server.Next(new Fault.Reset { AfterActing = landed });
        Assert.IsType<SlotOutcome.Waiting>(await Slots().TryAsync(Pod(0), null, default));
        Assert.Equal(
            landed ? "slot-kept" : "slot-claimed", Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(0), null, default)).Code);
        Assert.Equal(0, (await TableAsync()).SlotOf("uid-0"));
    }

    [Fact]
    public async Task A_lost_table_is_restored_by_those_who_remember_and_a_new_pod_leaves_their_slots_alone()
    {
        _reported.Add(SlotTable.MyId(Cluster, 0)); // alive, heard of through a peer
        _answering.Add(SlotTable.MyId(Cluster, 1));
        Assert.Equal(2, Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(5), null, default)).Slot);
        Assert.Equal(1, Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(1), 1, default)).Slot);
        Assert.Equal(0, Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(0), 0, default)).Slot);
        Assert.Equal(["uid-0", "uid-1", "uid-5"], (await TableAsync()).Claims.OrderBy(c => c.Key).Select(c => c.Value.PodUid));
    }

    [Fact]
    public async Task A_remembered_slot_that_another_pod_has_by_now_is_given_up_also_where_the_write_fails()
    {
        await HoldAsync(Pod(7));
        Assert.Equal(1, Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(Pod(0), 0, default)).Slot);
        _server.Forbids = (verb, _, _) => verb == "update";
        Assert.Equal("slot-table-unavailable", Assert.IsType<SlotOutcome.Waiting>(await Slots().TryAsync(Pod(1), 0, default)).Code);
    }

    [Fact]
    public async Task A_table_edited_by_hand_frees_nothing_and_is_not_overwritten()
    {
        await HoldAsync(Pod(0));
        _server.Objects.Change("leases.coordination.k8s.io", FakeKubernetesServer.Namespace, Lease,
            lease => lease["metadata"]!["annotations"]![SidecarAnnotations.Prefix + "slot-0"] = "{}");
        var before = Text();
        Assert.Contains(
            "slot-0", Assert.IsType<SlotOutcome.Waiting>(await Slots().TryAsync(Pod(1), null, default)).Reason, StringComparison.Ordinal);
        Assert.Equal(before, Text());

        string Text() => _server.Objects.Get("leases.coordination.k8s.io", FakeKubernetesServer.Namespace, Lease).Object.ToJsonString();
    }

    private async Task<SlotOutcome.Held> HoldAsync(SlotClaimant pod) =>
        Assert.IsType<SlotOutcome.Held>(await Slots().TryAsync(pod, null, default));

    private async Task<SlotTable> TableAsync() =>
        Assert.IsType<StoreRead<SlotSnapshot>.Found>(await new SlotTableStore(_client, Cluster, "redis").ReadAsync(default)).Value.Table;

    private SlotClaimant Pod(int n, RedisEndpoint? address = null)
    {
        var uid = string.Create(CultureInfo.InvariantCulture, $"uid-{n}");
        _server.RunPod($"sentinel-{n}", uid);
        return new SlotClaimant(uid, $"sentinel-{n}", address ?? new RedisEndpoint("127.0.0.1", FreePort.Next()));
    }

    private SlotClient Slots(int count = 3, KubernetesClient? client = null)
    {
        client ??= _client;
        var sidecar = new RedisClientOptions
        { Credentials = [new RedisCredential("sidecar-tenant-a/redis", "s")], CommandTimeout = TimeSpan.FromSeconds(1) };
        var sentinel = sidecar with { Credentials = [new RedisCredential("sentinel-tenant-a/redis", "s")] };
        return new SlotClient(
            client, new SlotTableStore(client, Cluster, "redis"), new SentinelIdClient(e => new TcpTransport(e), sidecar, sentinel),
            _ => Task.FromResult(new LivingSentinels(_answering, _reported)), Cluster, count, _time);
    }

    private RedisEndpoint? LeftBehind(string how)
    {
        if (how == "silent") return null;
        var server = how switch
        {
            "this id" => Answering(login => FakeReply.Ok, SlotTable.MyId(Cluster, 0)),
            "another id" => Answering(login => FakeReply.Ok, SlotTable.MyId(Cluster, 1)),
            "foreign" => Answering(_ => FakeReply.Error("WRONGPASS invalid username-password pair or user is disabled."), ""),
            "not our sidecars" => Answering(
                user => user.StartsWith("sidecar", StringComparison.Ordinal)
                    ? FakeReply.Error("WRONGPASS invalid username-password pair or user is disabled.")
                    : FakeReply.Ok,
                ""),
            "full" => Answering(_ => FakeReply.Error("ERR max number of clients reached"), ""),
            "hangs" => FakeRedisServer.Silent(),
            _ => FakeRedisServer.SendingThenClosing(FakeReply.Raw("HTTP/1.1 400 Bad Request\r\n\r\n")),
        };
        _old.Add(server);
        return server.Endpoint;
    }

    private static FakeRedisServer Answering(Func<string, byte[]> login, string id) =>
        FakeRedisServer.Answering(command => command[0] == "AUTH" ? login(command[1]) : FakeReply.Bulk(id));
}
