using System.Collections.Concurrent;
using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Ghosts;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Groups;

/// <summary>
/// The loops of redis-failover that keep marker, record and epoch, and look for ghosts, in this process, where a test sees into
/// them. For groups without passwords.
/// </summary>
public sealed class GroupSidecars : IAsyncDisposable
{
    private readonly LocalGroup _group;
    private readonly CancellationTokenSource _stop = new();
    private readonly KubernetesClient? _kubernetes;
    private readonly List<Task> _running = [];
    private readonly NodeClient _nodes;
    private readonly RedisClientOptions _login;
    private readonly ClusterId _cluster;

    private GroupSidecars(LocalGroup group)
    {
        _group = group;
        if (!ClusterId.TryParse(group.Options.ClusterId, out var cluster)) throw new ArgumentException("no cluster id", nameof(group));
        var login = new GroupAccess(cluster, new GroupSecrets()).Sidecar;
        _cluster = cluster;
        var options = _login = new RedisClientOptions
        {
            Credentials = [new RedisCredential(login.User, login.Password)],
            ConnectTimeout = TimeSpan.FromSeconds(1),
            CommandTimeout = TimeSpan.FromSeconds(2)
        };
        Sentinels = new SentinelClient(group.Options.Transport, options, group.Options.EffectiveMasterName);
        _nodes = new NodeClient(group.Options.Transport, options);
        _kubernetes = group.Options.Kubernetes is { } server ? new KubernetesClient(server.Config, TimeProvider.System) : null;
        Epochs = _kubernetes is null
            ? new FileEpochStore(Path.Combine(group.Folder, "election"))
            : new LeaseEpochStore(new GroupLeaseStore(_kubernetes, cluster, cluster.Value.Split('/')[^1], TimeProvider.System), cluster);
    }

    /// <summary>Where the highest epoch is kept: the Lease in a cluster, else the directory that elections are held in.</summary>
    public IEpochStore Epochs { get; }

    /// <summary>As the sidecars log in.</summary>
    public SentinelClient Sentinels { get; }

    /// <summary>Codes of the decisions about the epoch, in order, repetitions left out.</summary>
    public ConcurrentQueue<string> EpochCodes { get; } = new();

    /// <summary>RESETs that were done: by the sidecar of which node, and why.</summary>
    public ConcurrentQueue<string> Resets { get; } = new();

    /// <summary>Codes of refusals to repair.</summary>
    public ConcurrentQueue<string> Refusals { get; } = new();

    /// <summary>Starts them.</summary>
    /// <param name="group">Whose.</param>
    /// <param name="repairAfter">Null: ghosts are left alone; else for how long nothing may have changed before a RESET.</param>
    /// <param name="keepState">False: no markers and no record, as where the sidecar does not run.</param>
    public static GroupSidecars Start(LocalGroup group, TimeSpan? repairAfter = null, bool keepState = true)
    {
        var sidecars = new GroupSidecars(group);
        if (keepState)
            foreach (var node in group.Redis) sidecars._running.Add(Task.Run(() => sidecars.KeepStateAsync(node)));
        sidecars._running.Add(Task.Run(() => sidecars.KeeperLoop().RunAsync(sidecars._stop.Token)));
        if (repairAfter is { } after)
            foreach (var node in group.Redis)
                sidecars._running.Add(Task.Run(() => sidecars.RepairLoop(node, after).RunAsync(sidecars._stop.Token)));
        return sidecars;
    }

    /// <summary>What is kept now.</summary>
    /// <exception cref="InvalidOperationException">It can't be read.</exception>
    public async Task<long> KeptEpochAsync() => await Epochs.ReadAsync(default) is EpochReading.Known known
        ? known.Epoch
        : throw new InvalidOperationException($"{Epochs.Description} can't be read");

    /// <summary>Ends them.</summary>
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

        _kubernetes?.Dispose();
        _stop.Dispose();
    }

    /// <summary>Problems of the keepers of markers and record, in order: code and words.</summary>
    public ConcurrentQueue<string> Problems { get; } = new();

    /// <summary>The group's record.</summary>
    /// <exception cref="InvalidOperationException">It can't be read.</exception>
    public async Task<ElectionRecord> RecordAsync()
    {
        var record = OpenRecord(_group.Redis[0]);
        using var client = record as IDisposable;
        return await record.ReadAsync(default) is ElectionObservation.Known known
            ? known.View.Record
            : throw new InvalidOperationException("the record can't be read");
    }

    // A record renewed every two seconds: what thirty bring in a cluster, a test would wait for.
    private async Task KeepStateAsync(LocalNode node)
    {
        var record = OpenRecord(node);
        using var client = record as IDisposable;
        if (!Enum.TryParse<Durability>(_group.Options.Durability, ignoreCase: true, out var durability))
            throw new InvalidOperationException("no durability");
        var addresses = new GroupAddresses(
            [.. _group.SentinelEndpoints], [.. _group.Redis.Select(r => r.Endpoint)], TimeSpan.FromSeconds(1));
        var observer = new GroupObserver(addresses, Sentinels, _nodes, TimeProvider.System);
        var me = new SidecarIdentity(_cluster, new NodeIdentity(node.Name, node.PodUid), "boot", _group.Options.SentinelCount, durability);
        IReadOnlyCollection<SentinelObservation> sentinels = [];
        RecordLoop? reporter = null;
        var markers = new MarkerLoop(
            me,
            new ServerClient(() => _group.Options.Transport(node.Endpoint), _login, node.DataFolder, DataLayout.Default),
            () => node.Endpoint,
            () => Volatile.Read(ref sentinels),
            () => reporter?.Names ?? GroupNames.None,
            new MarkerStore(node.DataFolder),
            TimeSpan.FromSeconds(1),
            Note,
            TimeProvider.System);
        reporter = new RecordLoop(me, markers, record, TimeSpan.FromSeconds(2), Note, TimeProvider.System, Random.Shared.NextDouble);
        await SideBySide.RunAsync(_stop.Token, LookAsync, markers.RunAsync, reporter.RunAsync);

        void Note(string code, string why) => Problems.Enqueue($"{node} {code}: {why}");

        async Task LookAsync(CancellationToken cancellation)
        {
            while (true)
            {
                var seen = (await observer.ObserveAsync(exceptSentinel: null, exceptNode: node.Endpoint, cancellation)).Sentinels;
                Volatile.Write(ref sentinels, seen);
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellation);
            }
        }
    }

    private IGroupRecord OpenRecord(LocalNode node)
    {
        if (_group.Options.Kubernetes is not { } server) return new FileGroupRecord(Path.Combine(_group.Folder, "election"));
        var client = new KubernetesClient(server.Config, TimeProvider.System);
        return new LeaseGroupRecord(client, new GroupLeaseStore(client, _cluster, _cluster.Value.Split('/')[^1], TimeProvider.System),
            node.Name, _group.Options.RedisCount);
    }

    private EpochKeeperLoop KeeperLoop() => new(
        async ct => await Task.WhenAll(_group.SentinelEndpoints.Select(e => Sentinels.ObserveAsync(e, ct))),
        Epochs,
        _group.Options.SentinelCount,
        TimeSpan.FromMilliseconds(200),
        (decision, _) =>
        {
            if (EpochCodes.LastOrDefault() != decision.Code) EpochCodes.Enqueue(decision.Code);
        },
        TimeProvider.System,
        Random.Shared.NextDouble);

    private GhostRepairLoop RepairLoop(LocalNode node, TimeSpan after)
    {
        var runId = "";
        var speed = GhostRepairPolicy.Settle / after;
        return new GhostRepairLoop(
            new GhostRepairSettings
            {
                RedisCount = _group.Options.RedisCount,
                SentinelCount = _group.Options.SentinelCount,
                Period = TimeSpan.FromMilliseconds(500) * speed
            },
            async ct =>
            {
                var addresses = new GroupAddresses(
                    [.. _group.SentinelEndpoints], [.. _group.Redis.Select(r => r.Endpoint)], TimeSpan.FromSeconds(1));
                var seen = await new GroupObserver(addresses, Sentinels, _nodes, TimeProvider.System).ObserveAsync(null, null, ct);
                runId = seen.Nodes.OfType<NodeObservation.Known>().FirstOrDefault(n => n.Endpoint == node.Endpoint)?.View.RunId ?? "";
                return seen;
            },
            Sentinels.ResetAsync,
            () => runId,
            (decision, _, refusal) =>
            {
                if (decision is GhostDecision.Reset && refusal is null) Resets.Enqueue($"{node}: {decision.Reason}");
                if (decision is GhostDecision.Refuse) Refusals.Enqueue(decision.Code);
            },
            new MetricSet(),
            new FastTime(speed));
    }
}
