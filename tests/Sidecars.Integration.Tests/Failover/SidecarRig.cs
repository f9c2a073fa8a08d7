using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.FakeRoute53;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>A group with a sidecar beside each Redis, and all places to publish at: a zone file, Route 53, an EndpointSlice.</summary>
internal sealed class SidecarRig : IAsyncDisposable
{
    public const string Record = "redis.example.org";
    private readonly Dictionary<LocalNode, ServerProcess> _sidecars = [];

    private readonly Dictionary<LocalNode, int> _metrics = [];

    private SidecarRig(LocalGroup group, FakeKubernetesServer kubernetes, FakeRoute53Server route53) =>
        (Group, Kubernetes, Route53) = (group, kubernetes, route53);

    public LocalGroup Group { get; }

    public FakeKubernetesServer Kubernetes { get; }

    public FakeRoute53Server Route53 { get; }

    public string ZoneFile => Path.Combine(Group.Folder, "zone");

    /// <summary>Starts everything; returns once the master is published everywhere.</summary>
    public static async Task<(SidecarRig Rig, LocalNode Master)> StartAsync(
        string name, int redis = 3, TimeSpan? downAfter = null, bool sidecars = true, bool metrics = false)
    {
        var kubernetes = await FakeKubernetesServer.StartAsync();
        var route53 = await FakeRoute53Server.StartAsync();
        var isDown = downAfter ?? TimeSpan.FromSeconds(5);
        var group = new LocalGroup(new LocalGroupOptions
        {
            Name = name,
            ClusterId = FakeKubernetesServer.Namespace + "/redis",
            RedisCount = redis,
            Kubernetes = kubernetes,
            DownAfter = isDown,
            FailoverTimeout = isDown < TimeSpan.FromSeconds(8) ? TimeSpan.FromSeconds(8) : isDown * 2,
        });
        var rig = new SidecarRig(group, kubernetes, route53);
        var master = (await group.StartHealthyAsync()).Master!.Node;
        if (!sidecars) return (rig, master);
        foreach (var node in group.Redis)
        {
            if (metrics) rig._metrics[node] = FreePort.Next();
            await rig.StartSidecarAsync(node, metrics ? [("METRICS_PORT", $"{rig._metrics[node]}")] : []);
        }

        await rig.WaitPublishedAsync(master);
        return (rig, master);
    }

    /// <summary>Value of a series of a sidecar's /metrics; null where it is not there.</summary>
    public async Task<double?> MetricAsync(LocalNode node, string series)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{_metrics[node]}/metrics"));
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } found
            ? double.Parse(found[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture)
            : null;
    }

    public ServerProcess Sidecar(LocalNode node) => _sidecars[node];

    public async Task StartSidecarAsync(LocalNode node, params (string Name, string Value)[] more)
    {
        if (_sidecars.Remove(node, out var old)) await old.DisposeAsync();
        _sidecars[node] = await Group.StartSidecarAsync(node, [.. Places(), .. more.Select(m => KeyValuePair.Create(m.Name, m.Value))]);
    }

    /// <summary>Starts <c>redis-failover step-down</c> beside a node.</summary>
    public Task<ServerProcess> StartStepDownAsync(LocalNode node) => Group.StartFailoverAsync(node, ["step-down"], Places());

    /// <summary>Waits until nothing of a hand-over or of a failover is left: roles, priorities, what writes need.</summary>
    public async Task WaitWholeAsync()
    {
        var seen = "";
        await Eventually.UntilAsync(
            "a whole group with its configured settings",
            async () =>
            {
                var state = await Group.ObserveAsync();
                if ((seen = state.Problem ?? "") != "") return false;
                foreach (var node in Group.Redis)
                    if (await ConfigAsync(node, "replica-priority") is not "100" and var priority)
                        seen += $"{node} has priority {priority}; ";
                if (await ConfigAsync(state.Master!.Node, "min-replicas-to-write") is not "1" and var least)
                    seen += $"min-replicas-to-write {least}";
                return seen == "";
            },
            TimeSpan.FromSeconds(60), () => $"{seen}\n{Tails()}");
    }

    /// <summary>What the zone file says; null: nothing yet.</summary>
    public DnsRecordState? Zone() => !File.Exists(ZoneFile) ? null
        : DnsPublishPolicy.Published("_redis-master." + Record,
            new DnsSnapshot(ZoneFileDocument.Parse(File.ReadAllText(ZoneFile)).SetsAt("_redis-master." + Record)));

    public string? AddressInRoute53() => Route53.Zone.Sets.FirstOrDefault(s => s.Name == Record + "." && s.Type == "A")?.Values[0];

    public (string? Address, FencingToken Token) Slice()
    {
        var answer = Kubernetes.Objects.Get("endpointslices.discovery.k8s.io", FakeKubernetesServer.Namespace, "redis-master");
        if (answer.Code != 200) return (null, default);
        var token = answer.Object["metadata"]!["annotations"]!["sidecars.redis/token"]!.GetValue<string>();
        return (answer.Object["endpoints"]?[0]?["addresses"]?[0]?.GetValue<string>(),
            FencingToken.TryParse(token, out var parsed) ? parsed : default);
    }

    /// <summary>Waits until every place names this node.</summary>
    public Task WaitPublishedAsync(LocalNode node, TimeSpan? deadline = null) => Eventually.UntilAsync(
        $"{node} to be published everywhere",
        () => Zone()?.Target.Value == node.PodAddress && AddressInRoute53() == node.PodAddress && Slice().Address == node.PodAddress,
        deadline ?? TimeSpan.FromSeconds(30),
        () => $"zone {Zone()?.Target}, Route 53 {AddressInRoute53()}, slice {Slice().Address}\n{Tails()}");

    /// <summary>
    /// Waits until every place names one and the same other node; asks no server, so that a silent one does not delay it.
    /// </summary>
    public async Task<LocalNode> WaitPublishedAfterAsync(LocalNode old)
    {
        LocalNode? next = null;
        await Eventually.UntilAsync(
            $"another than {old} to be published everywhere",
            () => (next = Group.Redis.FirstOrDefault(n => n != old && n.PodAddress == Zone()?.Target.Value)) is not null
                && AddressInRoute53() == next.PodAddress && Slice().Address == next.PodAddress,
            TimeSpan.FromSeconds(30), Tails);
        return next!;
    }

    /// <summary>Waits until a loop of a sidecar has decided so, among the lines from <paramref name="from"/> on.</summary>
    public Task WaitDecisionAsync(LocalNode node, string loop, string code, int from = 0) => Sidecar(node).WaitUntilAsync(
        $"the decision {code} of {loop}", () => Task.FromResult(Decisions(node, loop).Skip(from).Contains(code)), TimeSpan.FromSeconds(30));

    /// <summary>Codes of a loop, as they changed.</summary>
    public IReadOnlyList<string> Decisions(LocalNode node, string loop) => Lines(node, "decision", loop);

    /// <summary>What a loop has done.</summary>
    public IReadOnlyList<string> Done(LocalNode node, string loop) => Lines(node, "done", loop);

    /// <summary>Every sidecar but the master's has looked whether it is published, and remembers what stands there.</summary>
    public async Task WaitLookedAsync(LocalNode master, IReadOnlyDictionary<LocalNode, int>? from = null)
    {
        foreach (var node in Group.Redis.Where(n => n != master)) await WaitDecisionAsync(node, "publish", "for-another", from?[node] ?? 0);
    }

    /// <summary>Has Sentinel hand over, and waits for the new master.</summary>
    public async Task<LocalNode> FailOverAsync(LocalNode old)
    {
        await using (var client = await Group.ConnectAsync(Group.Sentinels[0], TimeSpan.FromSeconds(2)))
            await Eventually.UntilAsync("Sentinel to accept",
                async () => (await client.CallAsync(default, "SENTINEL", "FAILOVER", Group.Options.EffectiveMasterName)).Text == "OK");
        return await WaitMasterAfterAsync(old);
    }

    public async Task<LocalNode> WaitMasterAfterAsync(LocalNode old) => (await Group.WaitForAsync(
        "another master",
        s => s.Redis.Any(r => r.IsMaster && r.Node != old) && s.Sentinels.Count(x => x.Master is { } m && m != old.Endpoint) >= 2)).Redis
        .First(r => r.IsMaster && r.Node != old).Node;

    /// <summary>CONFIG GET of one value on a node.</summary>
    public async Task<string> ConfigAsync(LocalNode node, string setting)
    {
        await using var client = await Group.ConnectAsync(node, TimeSpan.FromSeconds(2));
        return (await client.CallAsync(default, "CONFIG", "GET", setting)).Items[1].Text;
    }

    /// <summary>One command on a fresh connection.</summary>
    public async Task<RespValue> CallAsync(LocalNode node, params string[] words)
    {
        await using var client = await Group.ConnectAsync(node, TimeSpan.FromSeconds(2));
        return await client.CallAsync(default, words);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars.Values) await sidecar.DisposeAsync();
        await Group.DisposeAsync();
        await Route53.DisposeAsync();
        await Kubernetes.DisposeAsync();
    }

    public string Tails() => string.Join('\n', _sidecars.Values.Select(s => s.Tail(12)));

    private Dictionary<string, string> Places() => new()
    {
        ["DNS_NAME"] = Record,
        ["ZONE_FILE"] = ZoneFile,
        ["ROUTE53_ZONE_ID"] = FakeRoute53Server.ZoneId,
        ["ROUTE53_ENDPOINT"] = Route53.Endpoint.ToString(),
        ["AWS_ACCESS_KEY_ID"] = FakeRoute53Server.AccessKey,
        ["AWS_SECRET_ACCESS_KEY"] = FakeRoute53Server.SecretKey,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
        ["MASTER_SERVICE"] = "redis-master",
        ["PUBLISH_RANK_DELAY"] = "1500",
        ["ROUTE53_BACKSTOP"] = "0",
    };

    private string[] Lines(LocalNode node, string name, string loop) =>
        [.. Sidecar(node).Events(name).Where(e => Text(e, "loop") == loop).Select(e => Text(e, "code"))];

    private static string Text(JsonElement e, string name) => e.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
