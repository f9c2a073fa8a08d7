using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Sidecars.Core.Configuration;
using Sidecars.Core.DnsRecords;
using Sidecars.Core.Failover.StepDown;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// A group with what the sidecars do about hand-overs, in this process: beside every Redis a repair loop and a listener that publishes to
/// one zone file. The coordinator itself is the published executable.
/// </summary>
internal sealed class HandOverRig : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Meter _meter = new("hand-over-test");
    private readonly List<Task> _running = [];
    private readonly TempFolder _zone = new("zone");
    private readonly List<ServerProcess> _coordinators = [];

    public HandOverRig(LocalGroup group)
    {
        Group = group;
        if (!ClusterId.TryParse(group.Options.ClusterId, out var cluster)) throw new ArgumentException("no cluster id", nameof(group));
        Cluster = cluster;
        var login = new GroupAccess(cluster, new GroupSecrets()).Sidecar;
        Login = new RedisClientOptions { Credentials = [new RedisCredential(login.User, login.Password)], CommandTimeout = TimeSpan.FromSeconds(2) };
        Store = new ZoneFileStore(_zone.File("zone"));
    }

    public LocalGroup Group { get; }

    public ClusterId Cluster { get; }

    public RedisClientOptions Login { get; }

    public ZoneFileStore Store { get; }

    /// <summary>Repairs that were done: node, code and outcome.</summary>
    public ConcurrentQueue<string> Repairs { get; } = new();

    /// <summary>What the last hand-over published, and when; null before.</summary>
    public Published? Last { get; private set; }

    public SentinelClient Sentinels => new(e => new TcpTransport(e), Login, Group.Options.EffectiveMasterName);

    /// <summary>Starts Redis, lowers a node as a hand-over would, then starts the Sentinels: so they know it at once, not after 10 s.</summary>
    public async Task<GroupState> StartAsync(LocalNode? lower)
    {
        await Group.StartAsync(Group.Redis);
        await Group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == Group.Redis.Length - 1);
        if (lower is not null) await SetAsync(lower, "replica-priority", "0");
        await Group.StartAsync(Group.Sentinels);
        return await Group.WaitHealthyAsync();
    }

    /// <summary>Starts the loops beside every Redis.</summary>
    /// <param name="hurry">Divides the times that the repair waits.</param>
    public void StartSidecars(double hurry = 1)
    {
        foreach (var node in Group.Redis)
        {
            var view = View(node);
            var loop = new HandOverRepairLoop(
                new HandOverRepairSettings { DataDirectory = node.DataFolder, Period = TimeSpan.FromMilliseconds(300), Hurry = hurry }, view,
                (decision, outcome) =>
                {
                    if (outcome is not null) Repairs.Enqueue($"{node} {decision.Code} {outcome}");
                },
                _meter, TimeProvider.System);
            var listener = new HandOverListener(
                view, () => new TcpTransport(node.Endpoint), Login, [new ZonePublisher(this)],
                _ => { }, (_, why) => { if (why is not null) Repairs.Enqueue($"{node} not published: {why}"); }, TimeProvider.System);
            _running.Add(Task.Run(() => loop.RunAsync(_stop.Token)));
            _running.Add(Task.Run(() => listener.RunAsync(_stop.Token)));
        }
    }

    public HandOverGroup View(LocalNode node) => new(
        new GroupAddresses([.. Group.SentinelEndpoints], [.. Group.Redis.Select(r => r.Endpoint)], TimeSpan.FromSeconds(1)), node.Endpoint,
        new HandOverSettings
        {
            SentinelCount = Group.Options.SentinelCount, RedisCount = Group.Options.RedisCount, DownAfter = Group.Options.DownAfter,
            MinReplicas = RedisServerPlan.MinReplicasToWrite(Group.Options.RedisCount), Priority = 100,
        },
        Sentinels, new HandOverClient(e => new TcpTransport(e), Login), TimeProvider.System);

    /// <summary>Publishes the master as its sidecar would: with Sentinel's epoch.</summary>
    public async Task<DnsDecision> PublishAsync(RedisEndpoint master, long epoch)
    {
        var publisher = new DnsPublisher(Store, new BackoffSchedule(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100)), TimeProvider.System, () => 0.5);
        return (await publisher.PublishAsync(() => Publication(master, new FencingToken(1, epoch, 0)), fresh: true, default)).Decision;
    }

    public DnsPublication Publication(RedisEndpoint master, FencingToken token) => new()
    {
        Name = "redis.example.org",
        // Ports tell the nodes of this machine apart, and names can't hold one: a name that does.
        State = new DnsRecordState { Cluster = Cluster, Token = token, Target = DnsTarget.TryParse($"port-{master.Port}.example.org", out var target) ? target : throw new InvalidOperationException() },
    };

    /// <summary>Starts <c>redis-failover step-down</c> beside a node.</summary>
    public async Task<ServerProcess> StepDownAsync(LocalNode node, params string[] arguments)
    {
        var process = await ServerProcess.StartAsync(new ServerStart(Repository.NativeExecutable("redis-failover"), ["step-down", .. arguments]) { Name = $"step-down:{node}", Environment = Variables(node) });
        _coordinators.Add(process);
        return process;
    }

    public Dictionary<string, string> Variables(LocalNode node) => new()
    {
        ["CLUSTER_ID"] = Group.Options.ClusterId,
        ["NODE_NAME"] = node.Name,
        ["REDIS_COUNT"] = Number(Group.Options.RedisCount),
        ["SENTINEL_COUNT"] = Number(Group.Options.SentinelCount),
        ["REDIS_SERVER_SERVICE_HOST"] = string.Join(',', Group.Redis.Select(n => n.Endpoint)),
        ["REDIS_SENTINEL_SERVICE_HOST"] = string.Join(',', Group.Sentinels.Select(n => n.Endpoint)),
        ["REDIS_PORT"] = Number(node.Endpoint.Port),
        ["ANNOUNCE_HOST"] = node.Endpoint.Host,
        ["DATA_DIR"] = node.DataFolder,
        ["CONFIG_DIR"] = node.ConfigFolder,
        ["ELECTION_DIR"] = Path.Combine(Group.Folder, "election"),
        ["SENTINEL_DOWN_AFTER_MS"] = Number((long)Group.Options.DownAfter.TotalMilliseconds),
    };

    /// <summary>A setting of a running Redis.</summary>
    public async Task<string> GetAsync(LocalNode node, string name)
    {
        await using var client = await Group.ConnectAsync(node, TimeSpan.FromSeconds(2));
        return (await client.CallAsync(default, "CONFIG", "GET", name)).Items[1].Text;
    }

    public async Task SetAsync(LocalNode node, string name, string value)
    {
        await using var client = await Group.ConnectAsync(node, TimeSpan.FromSeconds(2));
        Assert.Equal("OK", (await client.CallAsync(default, "CONFIG", "SET", name, value)).Text);
    }

    /// <summary>Waits for a healthy group whose settings are all as configured.</summary>
    public async Task<GroupState> WaitWholeAsync(string minReplicas = "1")
    {
        GroupState? state = null;
        var seen = "";
        await Eventually.UntilAsync(
            "a whole group with its configured settings",
            async () =>
            {
                state = await Group.ObserveAsync();
                if (state.Problem is { } problem)
                {
                    seen = problem;
                    return false;
                }

                var settings = new List<string>();
                foreach (var node in Group.Redis) settings.Add($"{node}: priority {await GetAsync(node, "replica-priority")}");
                settings.Add($"min-replicas {await GetAsync(state.Master!.Node, "min-replicas-to-write")}");
                seen = string.Join(", ", settings);
                return settings.Count(s => s.EndsWith("priority 100", StringComparison.Ordinal)) == Group.Redis.Length && settings[^1] == $"min-replicas {minReplicas}";
            },
            TimeSpan.FromSeconds(60),
            () => $"{seen}\nrepairs: {string.Join("; ", Repairs)}\n{Group.Tails(6)}\n{string.Join('\n', _coordinators.Select(c => c.Tail()))}");
        return state!;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var one in _running)
        {
            try
            {
                await one;
            }
            catch (OperationCanceledException)
            {
                // asked to stop
            }
        }

        foreach (var one in _coordinators) await one.DisposeAsync();
        _meter.Dispose();
        _stop.Dispose();
        _zone.Dispose();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A hand-over's early publication.</summary>
    /// <param name="Master">Whom it named.</param>
    /// <param name="Token">With which token.</param>
    /// <param name="At">UTC, to compare with another process' log.</param>
    internal sealed record Published(RedisEndpoint Master, FencingToken Token, DateTimeOffset At);

    private sealed class ZonePublisher(HandOverRig rig) : IHandOverPublisher
    {
        public string Description => rig.Store.Description;

        public async Task<string?> PublishAsync(HandOverClaim claim, CancellationToken cancellation)
        {
            var publication = rig.Publication(claim.To, FencingToken.None);
            if (await rig.Store.ReadAsync(publication.Name, publication.OwnerName, cancellation) is not DnsRead.Known { Snapshot: var zone }) return "the zone can't be read";
            var owner = zone.Sets.FirstOrDefault(set => set.Type == "TXT");
            var published = owner is not null && DnsRecordDocument.TryParse(owner.Values[0], out var state, out _) ? state : null;
            if (claim.Token(published?.Token ?? FencingToken.None, published?.Target == publication.State.Target ? claim.To : null) is not { } token) return null;
            if (DnsPublishPolicy.Decide(rig.Publication(claim.To, token), zone) is not DnsDecision.Publish publish) return "refused";
            if (await rig.Store.ApplyAsync(publish.Change, cancellation) is not DnsWrite.Applied) return "conflict";
            rig.Last = new Published(claim.To, token, TimeProvider.System.GetUtcNow());
            return null;
        }
    }
}
