using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using Sidecars.Aws;
using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Failover;
using Sidecars.Core.Failover.Death;
using Sidecars.Core.Failover.Fencing;
using Sidecars.Core.Failover.Passwords;
using Sidecars.Core.Failover.Publishing;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Repair;
using Sidecars.Core.Topology;

namespace Sidecars.Failover;

/// <summary>The loops, wired; no rules here.</summary>
internal sealed class SidecarLoops
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly FailoverOptions _options;
    private readonly GroupSettings _group;
    private readonly RedisEndpoint _address;
    private readonly GroupConnections _connections;
    private readonly KubernetesClient? _kubernetes;
    private readonly DecisionLog _decisions;
    private readonly MarkerStore _markers;
    private readonly OwnProcessLoop? _process;
    private readonly DeathLoop _death;
    private readonly GhostRepairLoop _ghosts;
    private readonly PasswordLoop _passwords;
    private readonly EpochKeeperLoop? _epochs;
    private readonly RoleLabelLoop? _roleLabel;
    private readonly PublisherFactory _factory;
    private readonly HandOverLoops _handOver;
    private readonly ConcurrentDictionary<string, PublisherLoop> _publishers = new();
    private readonly NodeIdentity _node;
    private GroupObservation? _lastGroup;

    public SidecarLoops(
        FailoverOptions options, RedisEndpoint address, GroupConnections connections, IGroupRecord? record, KubernetesClient? kubernetes,
        FailoverMetrics metrics, DecisionLog decisions, JsonLineLog log, Meter meter, TimeProvider time, Random random)
    {
        (_options, _group, _address, _connections, _kubernetes, _decisions) = (options, options.Group, address, connections, kubernetes, decisions);
        _markers = new MarkerStore(_group.DataDirectory, "redis-failover");
        _node = new NodeIdentity(_group.NodeName, _group.PodUid ?? UidOfMarker() ?? Guid.NewGuid().ToString("N"));
        var minReplicas = RedisServerPlan.MinReplicasToWrite(_group.RedisCount);
        var maxLag = RedisServerPlan.MinReplicasMaxLag((int)_group.DownAfter.TotalMilliseconds);
        IRespTransport ToOwn() => connections.Transport(options.Redis);

        Sentinels = new SentinelWatch(ResolveSentinelsAsync, connections.Transport, connections.AsSidecar, connections.Sentinels, SentinelWatchSettings.Default with { Period = options.WatchPeriod, InfoPeriod = options.DryRun ? null : options.SentinelInfoPeriod }, time,
            why => decisions.Problem("sentinels", "info-period", why));
        var client = new OwnServerClient(ToOwn, connections.AsSidecar, maxLag);
        var isLoopback = options.Redis.Host == "localhost" || (IPAddress.TryParse(options.Redis.Host, out var ip) && IPAddress.IsLoopback(ip));
        Server = new OwnServerWatch(client, isLoopback, Period, time);
        _process = isLoopback
            ? new OwnProcessLoop(Server, options.Redis.Port, (id, isSeen) => log.Info("process", $"process {id} of {options.Redis} {(isSeen ? "is seen: its death is known before its connections end" : "is not seen (another PID namespace or user): its death is known once its connections end")}"), time)
            : null;
        Keeper = new StateKeeper(
            new SidecarIdentity(_group.Cluster, _node, BootId.Read(_node.Uid), address, _group.SentinelCount, _group.Durability),
            new ServerClient(async ct => (await Server.AskAsync(ct).ConfigureAwait(false)).Replies?.Info, _group.DataDirectory, DataLayout.Default),
            ObserveAsync, _markers, record, KeeperPeriods.Default, (code, why) => decisions.Problem("keeper", code, why), time);
        Fence = new FenceLoop(
            new FenceSettings(address, _group.SentinelCount, _group.RedisCount, minReplicas, maxLag, Patience(_group.DownAfter), _group.FailoverTimeout, Period, options.DryRun),
            Server, client, Sentinels, connections.Nodes, Superseded, MarkerEpoch, decisions, time);
        _death = new DeathLoop(
            address, Server, Sentinels, connections.Sentinels, connections.Nodes, _group.SentinelCount, Heartbeat, options.DryRun, decisions, time);
        var outside = options.Publish.Address ?? address.Host;
        var inside = new RedisEndpoint(_group.PodAddress ?? address.Host, _group.RedisPort);
        Publishing = new PublishLoop(
            new PublishSettings(_group.Cluster, address, outside, inside, _group.SentinelCount, options.Publish.RankDelay, Period),
            Server, Sentinels, Term, () => Fence.HasImpostor, Find, decisions, time);
        var credentials = RotatingCredentials.Default(time, random.NextDouble);
        credentials.LogTo(log);
        credentials.AddTo(meter);
        _factory = new PublisherFactory(options, kubernetes, Publishing, metrics, decisions, log, credentials, time, random);
        _handOver = new HandOverLoops(options, connections, Sentinels, Server, _factory, new MasterPublication(_group.Cluster, FencingToken.None, outside, inside), decisions, meter, time);
        _ghosts = new GhostRepairLoop(
            new GhostRepairSettings { RedisCount = _group.RedisCount, SentinelCount = _group.SentinelCount, DryRun = options.DryRun },
            LookAtGroupAsync, connections.Sentinels.ResetAsync, () => (Server.Last as OwnServer.Answers)?.RunId ?? "", ReportGhosts, meter, time);
        _passwords = Passwords.Loop(options, address, connections, _ => Task.FromResult(QuorumFacts.Of(Sentinels.Observe(), _group.SentinelCount)), decisions, meter, time);
        _roleLabel = options.RoleLabel && kubernetes is not null && _group.Kubernetes is { } pod
            ? new RoleLabelLoop(kubernetes, pod.PodName, pod.PodUid, () => Server.Last, Server.Changed, options.DryRun, decisions, time, random.NextDouble)
            : null;
        _epochs = connections.OpenEpochs(kubernetes) is { } epochs
            ? new EpochKeeperLoop(ObserveAsync, epochs, _group.SentinelCount, Period, (keeping, facts) => decisions.Decided("epoch", keeping.Code, keeping.Reason, keeping is EpochKeeping.Refuse, () => JsonSerializer.Serialize(facts, FailoverJson.Default.EpochKeeperFacts)), time)
            : null;
    }

    public SentinelWatch Sentinels { get; }

    public OwnServerWatch Server { get; }

    public StateKeeper Keeper { get; }

    public bool IsProcessSeen => _process?.IsSeen == true;

    public FenceLoop Fence { get; }

    public PublishLoop Publishing { get; }

    public IEnumerable<(string Name, PublisherLoop Loop)> Publishers => _publishers.Select(p => (p.Key, p.Value));

    public void Start(Supervisor supervisor, CancellationToken cancellation)
    {
        // The marker first: everything else may be wrong.
        supervisor.Start("keeper", Keeper.RunAsync, cancellation);
        supervisor.Start("sentinels", Sentinels.RunAsync, cancellation);
        supervisor.Start("server", Server.RunAsync, cancellation);
        if (_process is not null) supervisor.Start("process", _process.RunAsync, cancellation);
        supervisor.Start("fence", Fence.RunAsync, cancellation);
        supervisor.Start("death", _death.RunAsync, cancellation);
        supervisor.Start("publish", Publishing.RunAsync, cancellation);
        foreach (var (name, create) in _factory.Publishers)
        {
            supervisor.Start("publish-" + name, async ct =>
            {
                using var made = await create(ct).ConfigureAwait(false);
                await (_publishers[name] = made.Loop).RunAsync(ct).ConfigureAwait(false);
            }, cancellation);
        }

        if (_epochs is not null) supervisor.Start("epoch", _epochs.RunAsync, cancellation);
        if (_options.RoleLabelMistake is { } mistake) _decisions.Problem("role-label", "wrong-configuration", mistake);
        if (_roleLabel is not null) supervisor.Start("role-label", _roleLabel.RunAsync, cancellation);
        supervisor.Start("passwords", _passwords.RunAsync, cancellation);
        supervisor.Start("ghosts", _ghosts.RunAsync, cancellation);
        _handOver.Start(supervisor, cancellation);
    }

    // Before another may be elected; and never so short that one slow look fences.
    private static TimeSpan Patience(TimeSpan downAfter) => downAfter > TimeSpan.FromSeconds(2) ? downAfter - TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(1);

    private Task<IReadOnlyCollection<SentinelObservation>> ObserveAsync(CancellationToken cancellation) => Task.FromResult(Sentinels.Observe());

    private async Task<ImmutableArray<RedisEndpoint>> ResolveSentinelsAsync(CancellationToken cancellation)
    {
        var resolved = await EndpointResolver.ResolveAsync(_group.SentinelHosts, _group.ConnectTimeout, TimeProvider.System, cancellation).ConfigureAwait(false);
        return resolved.Endpoints;
    }

    private async Task<GroupObservation> LookAtGroupAsync(CancellationToken cancellation) =>
        _lastGroup = await _connections.Observer.ObserveNodesAsync(Sentinels.Observe(), cancellation).ConfigureAwait(false);

    // Bootstrap writes the term of an election into the marker before the server starts.
    private long Term() => Math.Max(Keeper.Written?.Marker.Token.Term ?? (_markers.Read() is { IsKnown: true, Value: { } marker } ? marker.Token.Term : 0), Keeper.Record?.Term ?? 0);

    private long? MarkerEpoch() => _markers.Read() is { IsKnown: true, Value: { Role: MarkerRole.Master } marker } ? marker.Token.Epoch : null;

    private string? UidOfMarker() => _markers.Read() is { IsKnown: true, Value: { } marker } && marker.Node.Name == _group.NodeName ? marker.Node.Uid : null;

    private string? Superseded() => Keeper.Record?.LastServing is { } serving && serving.Node != _group.NodeName && Keeper.Written is { } written && serving.Token > written.Marker.Token
        ? $"the group's record says that {serving.Node} serves with token {serving.Token}, newer than {written.Marker.Token}"
        : null;

    // Only its change counts: the file outlives the process that wrote it.
    private DateTime? Heartbeat()
    {
        try
        {
            var file = new FileInfo(Path.Combine(_group.ConfigDirectory, "bootstrap.json"));
            return file.Exists ? file.LastWriteTimeUtc : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // What another node is called: as listed; else as it was found, where that is what this node itself is published as.
    private (string? Outside, RedisEndpoint? Inside) Find(RedisEndpoint announced)
    {
        var listed = _options.Publish.Others.FirstOrDefault(o => o.Announced == announced).Address;
        var found = _lastGroup?.Nodes.OfType<NodeObservation.Known>().FirstOrDefault(k => k.Address == announced && k.View.Role == NodeRole.Master)?.Endpoint;
        var inside = IPAddress.TryParse(listed ?? found?.Host, out var ip) ? new RedisEndpoint(ip.ToString(), _group.RedisPort) : null;
        return (listed ?? (_options.Publish.IsExplicit ? null : found?.Host), inside);
    }

    private void ReportGhosts(GhostDecision decision, GhostSnapshot snapshot, string? refusal)
    {
        _decisions.Decided("ghosts", decision.Code, decision.Reason, decision is GhostDecision.Refuse, () => JsonSerializer.Serialize(snapshot, FailoverJson.Default.GhostSnapshot));
        if (decision is GhostDecision.Reset reset && !_options.DryRun) _decisions.Acted("ghosts", "reset", $"SENTINEL RESET at {reset.Sentinel}", refusal);
    }
}
