using System.Collections.Concurrent;
using System.Globalization;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using Sidecars.Telemetry;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// A group with what the sidecars do about hand-overs, in this process: a repair loop beside every Redis. The coordinator itself is the
/// published executable.
/// </summary>
internal sealed class HandOverRig : IAsyncDisposable
{
    private const string RecordName = "redis.example.org";
    private static readonly BackoffSchedule Quick = new(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(100));
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly TempFolder _zone = new("zone");
    private readonly List<ServerProcess> _coordinators = [];

    public HandOverRig(LocalGroup group)
    {
        Group = group;
        if (!ClusterId.TryParse(group.Options.ClusterId, out var cluster)) throw new ArgumentException("no cluster id", nameof(group));
        Cluster = cluster;
        var login = new GroupAccess(cluster, new GroupSecrets()).Sidecar;
        Store = new ZoneFileStore(_zone.File("zone"));
        Login = new RedisClientOptions
        { Credentials = [new RedisCredential(login.User, login.Password)], CommandTimeout = TimeSpan.FromSeconds(2) };
    }

    public LocalGroup Group { get; }

    public ClusterId Cluster { get; }

    public RedisClientOptions Login { get; }

    public ZoneFileStore Store { get; }

    /// <summary>Repairs that were done: node, code and outcome.</summary>
    public ConcurrentQueue<string> Repairs { get; } = new();

    public SentinelClient Sentinels => new(e => new TcpTransport(e), Login, Group.Options.EffectiveMasterName);

    /// <summary>Starts the group. Returns the master and its replicas.</summary>
    public async Task<(LocalNode Master, LocalNode[] Replicas)> StartAsync()
    {
        await Group.StartAsync(Group.Redis);
        var state = await Group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == Group.Redis.Length - 1);
        await Group.StartAsync(Group.Sentinels);
        await Group.WaitHealthyAsync();
        return (state.Master!.Node, [.. Group.Redis.Where(n => n != state.Master!.Node)]);
    }

    /// <summary>Starts the loops beside every Redis.</summary>
    public void StartSidecars()
    {
        foreach (var node in Group.Redis)
        {
            var loop = new HandOverRepairLoop(
                new HandOverRepairSettings { DataDirectory = node.DataFolder, Period = TimeSpan.FromMilliseconds(300) }, View(node),
                (decision, _, outcome) =>
                {
                    if (outcome is not null) Repairs.Enqueue($"{node} {decision.Code} {outcome}");
                },
                new MetricSet(), TimeProvider.System);
            _running.Add(Task.Run(() => loop.RunAsync(_stop.Token)));
        }
    }

    public HandOverGroup View(LocalNode node) => new(
        new GroupAddresses([.. Group.SentinelEndpoints], [.. Group.Redis.Select(r => r.Endpoint)], TimeSpan.FromSeconds(1)), node.Endpoint,
        new HandOverSettings
        {
            SentinelCount = Group.Options.SentinelCount,
            RedisCount = Group.Options.RedisCount,
            DownAfter = Group.Options.DownAfter,
            MinReplicas = WriteRequirement.MinReplicasToWrite(Group.Options.RedisCount),
        },
        Sentinels, new HandOverClient(e => new TcpTransport(e), Login),
        new SentinelLeadership(Sentinels.ObserveAsync,
            new LeadershipClient(e => new TcpTransport(e), Login, Group.Options.EffectiveMasterName), TimeProvider.System),
        node.DataFolder, TimeProvider.System);

    /// <summary>Publishes the master as its sidecar would: with Sentinel's epoch.</summary>
    public async Task<PublishOutcome> PublishAsync(RedisEndpoint master, long epoch)
    {
        var addresses = new MasterAddresses(OutsideOf(master), null);
        var own = new DesiredMaster.Own(master, new FencingToken(1, epoch, 0), addresses, new RoleProof("", 0), 0);
        return (await Writer().PublishAsync(new PublishOrder(own, addresses, own.Role), new AlwaysDesired(), fresh: true, default))!;
    }

    // Ports tell the nodes of this machine apart, and an address record can't hold one: a name that does.
    public static string OutsideOf(RedisEndpoint node) => string.Create(CultureInfo.InvariantCulture, $"port-{node.Port}.example.org");

    /// <summary>Starts <c>redis-failover step-down</c> beside a node.</summary>
    public Task<ServerProcess> StepDownAsync(LocalNode node, params string[] arguments) =>
        StartFailoverAsync(node, ["step-down", .. arguments]);

    /// <summary>Starts a coordinator beside a node, which does nothing more after a step until it is killed, and waits for that.</summary>
    public async Task<ServerProcess> HoldStepDownAsync(LocalNode node, string step)
    {
        var process = await StartAsync(
            node, $"held:{node}", "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "Sidecars.HeldStepDown.dll"), step);
        await process.WaitForLineAsync(line => line == step, step);
        return process;
    }

    /// <summary>The same, stopped right after the step (SIGSTOP) until it is resumed.</summary>
    public async Task<ServerProcess> StopStepDownAsync(LocalNode node, string step, int timeoutSeconds = 25)
    {
        var process = await StartAsync(
            node, $"stopped:{node}", "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "Sidecars.HeldStepDown.dll"), step, "stop",
            Number(timeoutSeconds));
        await process.WaitForLineAsync(line => line == step, step);
        // It says so before it stops itself: resumed in between, it would stay stopped.
        await Eventually.UntilAsync(
            "it to be stopped", () => File.ReadAllText($"/proc/{process.Pid}/stat").Split(") ")[^1].StartsWith('T'));
        return process;
    }

    /// <summary>Starts <c>redis-failover</c> beside a node.</summary>
    public Task<ServerProcess> StartFailoverAsync(LocalNode node, params string[] arguments) =>
        StartAsync(node, $"{arguments[0]}:{node}", Repository.NativeExecutable("redis-failover"), arguments);

    private async Task<ServerProcess> StartAsync(LocalNode node, string name, string program, params string[] arguments)
    {
        var process = await ServerProcess.StartAsync(new ServerStart(program, arguments) { Name = name, Environment = Variables(node) });
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
        ["DNS_NAME"] = RecordName,
        ["ZONE_FILE"] = _zone.File("zone"),
        ["PUBLISH_ADDRESSES"] = string.Join(',', Group.Redis.Select(n => $"{n.Endpoint}={OutsideOf(n.Endpoint)}")),
        ["SENTINEL_DOWN_AFTER"] = Number((long)Group.Options.DownAfter.TotalMilliseconds),
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

    private static readonly string Fence = Number(HandOverLimits.Fence);

    /// <summary>Waits for a healthy group whose settings are all as configured, and of which no node is left fenced.</summary>
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
                foreach (var node in Group.Redis)
                    if (await GetAsync(node, "min-replicas-to-write") == Fence) settings.Add($"{node} is fenced");
                settings.Add($"min-replicas {await GetAsync(state.Master!.Node, "min-replicas-to-write")}");
                seen = string.Join(", ", settings);
                return !settings.Exists(s => s.EndsWith("fenced", StringComparison.Ordinal))
                    && settings.Count(s => s.EndsWith("priority 100", StringComparison.Ordinal)) == Group.Redis.Length
                    && settings[^1] == $"min-replicas {minReplicas}";
            },
            TimeSpan.FromSeconds(60),
            () => $"{seen}\nrepairs: "
                + $"{string.Join("; ", Repairs)}\n{Group.Tails(6)}\n{string.Join('\n', _coordinators.Select(c => c.Tail()))}");
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
        _stop.Dispose();
        _zone.Dispose();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private TargetWriter<DnsSnapshot, DnsChange> Writer() => new(
        new DnsRecordTarget("zone-file", RecordName, DnsPublication.DefaultTtlSeconds, Store), Cluster, Quick, _ => { },
        TimeProvider.System, () => 0.5);

    private sealed class AlwaysDesired : IDesiredMasters
    {
        public Signal Changed { get; } = new();

        public bool IsWanted(PublishOrder order) => true;

        public Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation) => Task.FromResult<RoleProof?>(null);

        public RoleProof? RecentProof(DesiredMaster desired) => null;
    }
}
