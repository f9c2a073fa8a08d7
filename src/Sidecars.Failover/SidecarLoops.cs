using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Sidecars.Aws;
using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Ghosts;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Options;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Targets;
using Sidecars.Failover.RoleLabel;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>The loops, wired; no rules here.</summary>
internal sealed class SidecarLoops
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RecordPeriod = TimeSpan.FromSeconds(30);

    private readonly FailoverOptions _options;
    private readonly GroupSettings _group;
    private readonly GroupConnections _connections;
    private readonly Supervisor _supervisor;
    private readonly JsonLineLog _log;
    private readonly TimeProvider _time;
    private readonly DecisionLog _decisions;
    private readonly MarkerStore _markers;
    private readonly OwnProcessLoop? _process;
    private readonly DeathLoop _death;
    private readonly AbandonedLoop _abandoned;
    private readonly SelfReplicaLoop _selfReplica;
    private readonly StrayReplicaLoop _strayReplica;
    private readonly GhostRepairLoop _ghosts;
    private readonly PasswordLoop _passwords;
    private readonly EpochKeeperLoop? _epochs;
    private readonly AnnouncedAddressLoop _address;
    private readonly RoleLabelLoop? _roleLabel;
    private readonly LeaseAddressBook? _book;
    private readonly PublisherFactory _factory;
    private readonly AnotherMaster _another;
    private readonly PublishMetrics _publishMetrics;
    private readonly HandOverLoops _handOver;
    private readonly ConcurrentDictionary<string, PublisherLoop> _publishers = new();
    private readonly NodeIdentity _node;
    private readonly Random _random;

    public SidecarLoops(
        FailoverOptions options, GroupConnections connections, IGroupRecord? record, KubernetesClient? kubernetes, Supervisor supervisor,
        DecisionLog decisions, JsonLineLog log, MetricSet shown, TimeProvider time, Random random)
    {
        (_options, _group, _connections, _decisions, _supervisor, _log, _time, _random) =
            (options, options.Group, connections, decisions, supervisor, log, time, random);
        _markers = new MarkerStore(_group.DataDirectory);
        _node = new NodeIdentity(_group.NodeName, _group.PodUid ?? UidOfMarker() ?? Guid.NewGuid().ToString("N"));
        var minReplicas = WriteRequirement.MinReplicasToWrite(_group.RedisCount);
        var maxLag = WriteRequirement.MinReplicasMaxLag((int)_group.DownAfter.TotalMilliseconds);
        IRespTransport ToOwn() => connections.Transport(options.Redis);

        Sentinels = new SentinelWatch(ResolveSentinelsAsync, connections.Transport, connections.AsSidecar, connections.Sentinels,
            SentinelWatchSettings.Default with
            { Period = options.WatchPeriod, InfoPeriod = options.DryRun ? null : options.SentinelInfoPeriod },
            supervisor.KeepAsync, time,
            why => decisions.Problem("sentinels", "info-period", why));
        var client = new OwnServerClient(ToOwn, connections.AsSidecar, maxLag);
        var isLoopback = options.Redis.Host == "localhost"
            || (IPAddress.TryParse(options.Redis.Host, out var ip) && IPAddress.IsLoopback(ip));
        Server = new OwnServerWatch(client, isLoopback, Period, time, random.NextDouble, AnnouncedOfMarker());
        _address = new AnnouncedAddressLoop(
            Server, ct => AnnounceAddress.FindAsync(_group.AnnounceHost, _group.AnnouncePort, _group.ConnectTimeout, time, ct),
            why => decisions.Problem("address", "announce-unresolved", why), time, random.NextDouble);
        _process = isLoopback
            ? new OwnProcessLoop(Server, id => OwnProcess.Find(id, options.Redis.Port), (id, isSeen) => log.Info("process",
                $"process {id} of {options.Redis} " + (isSeen
                    ? "is seen: its death is known before its connections end"
                    : "is not seen (another PID namespace or user): its death is known once its connections end")),
                time)
            : null;
        var me = new SidecarIdentity(_group.Cluster, _node, BootId.Read(_node.Uid), _group.SentinelCount, _group.Durability);
        Marker = new MarkerLoop(
            me,
            new ServerClient(async ct => (await Server.AskAsync(ct).ConfigureAwait(false)).Look, _group.DataDirectory, DataLayout.Default),
            () => Server.Address, Sentinels.Observe, () => Record?.Names ?? GroupNames.None, _markers, Period,
            (code, why) => decisions.Problem("marker", code, why), time);
        Record = record is null ? null : new RecordLoop(
            me, Marker, record, RecordPeriod, (code, why) => decisions.Problem("record", code, why), time, random.NextDouble);
        var rescues = new RescueStore(_group.DataDirectory, new RescueLimits(RescueLimits.DefaultMaxCount, long.MaxValue));
        Rescues = new RescueLoop(rescues.Look, time);
        // A reader of its own: a record is not safe for concurrent use.
        LedAway = connections.OpenRecord(kubernetes) is not { } reader ? null : new LedAwayLoop(
            new LedAwaySettings(_node.Name, _group.RedisCount, _group.SentinelCount, Period, options.DryRun), Server, Sentinels,
            ct => ReadRecordedAsync(reader, ct), () => Marker.Written?.Marker.Token,
            () => StepDownLock.IsHeldByAnother(_group.DataDirectory),
            connections.Leadership.TellAsync, decisions, time, random.NextDouble);
        Fence = new FenceLoop(
            new FenceSettings(_group.SentinelCount, _group.RedisCount, minReplicas, maxLag, Patience(_group.DownAfter),
                _group.FailoverTimeout, Period, options.DryRun),
            Server, client, Sentinels, connections.Nodes, Superseded, MarkerEpoch, () => GivenUp.Of(GivingUp.Read(_group.DataDirectory)),
            decisions, time,
            named => LedAway?.IsStranger(named) == true);
        _death = new DeathLoop(
            Server, Sentinels, connections.Sentinels, connections.Nodes, connections.Succession, _group.SentinelCount, Heartbeat,
            options.DryRun, decisions, time,
            () => StepDownLock.IsHeldByAnother(_group.DataDirectory), replica => LedAway?.IsForeign(replica) == true);
        _abandoned = new AbandonedLoop(
            Server, Sentinels, connections.Sentinels, connections.Nodes, connections.Succession, _group.SentinelCount, options.DryRun,
            decisions, time,
            connections.OpenRecord(kubernetes) is { } members
                ? new GroupMembers(ct => ReadRecordedAsync(members, ct), _group.RedisCount, time)
                : null);
        _selfReplica = new SelfReplicaLoop(
            () => Server.Address, () => Server.Last, () => QuorumFacts.Of(Sentinels.Observe(), _group.SentinelCount),
            client.PromoteSelfReplicaAsync, Period,
            options.DryRun, decisions, time);
        _strayReplica = new StrayReplicaLoop(
            HandOverWiring.Group(options, connections, time), Server, Sentinels, () => StepDownLock.IsHeldByAnother(_group.DataDirectory),
            Period, options.DryRun,
            decisions, time);
        _book = kubernetes is not null ? LeaseAddressBook.Of(_group, kubernetes, time) : null;
        _another = new AnotherMaster(
            ct => _book?.ReadAsync(ct) ?? Task.FromResult(new AddressReading([])),
            announced => options.Publish.Others.FirstOrDefault(o => o.Announced == announced).Address,
            connections.Nodes.ObserveAsync, () => QuorumFacts.Of(Sentinels.Observe(), _group.SentinelCount), decisions, time);
        var credentials = RotatingCredentials.Default(time, random.NextDouble);
        credentials.LogTo(log);
        ProcessMetrics.AddCredentials(shown, () => credentials.Resolutions);
        _publishMetrics = new PublishMetrics(shown);
        _factory = new PublisherFactory(_group.Cluster, options.Publish, kubernetes, credentials, PublishFailed, time, random.NextDouble);
        foreach (var target in Targets) _publishMetrics.Expect(target.Name);
        _handOver = new HandOverLoops(options, connections, Sentinels, Server, decisions, shown, time);
        _ghosts = new GhostRepairLoop(
            new GhostRepairSettings { RedisCount = _group.RedisCount, SentinelCount = _group.SentinelCount, DryRun = options.DryRun },
            LookAtGroupAsync, connections.Sentinels.ResetAsync, () => (Server.Last as OwnServer.Answers)?.RunId ?? "",
            ReportGhosts, shown, time);
        _passwords = PasswordWiring.Loop(options, () => Server.Address, connections,
            _ => Task.FromResult(QuorumFacts.Of(Sentinels.Observe(), _group.SentinelCount)), decisions, shown, time);
        _roleLabel = options.RoleLabel && kubernetes is not null && _group.Kubernetes is { } pod
            ? new RoleLabelLoop(
                kubernetes, pod.PodName, pod.PodUid, () => Server.Last, Server.Changed, options.DryRun, decisions, time, random.NextDouble)
            : null;
        _epochs = connections.OpenEpochs(kubernetes) is { } epochs
            ? new EpochKeeperLoop(ObserveAsync, epochs, _group.SentinelCount, Period,
                (keeping, facts) => decisions.Decided("epoch", keeping.Code, keeping.Reason, keeping is EpochKeeping.Refuse,
                    () => JsonSerializer.Serialize(facts, EpochJson.Default.EpochKeeperFacts)),
                time, random.NextDouble)
            : null;
    }

    public SentinelWatch Sentinels { get; }

    public OwnServerWatch Server { get; }

    public MarkerLoop Marker { get; }

    public RecordLoop? Record { get; }

    public RescueLoop Rescues { get; }

    public bool IsProcessSeen => _process?.IsSeen == true;

    public FenceLoop Fence { get; }

    /// <summary>Null where no record says who announces what.</summary>
    public LedAwayLoop? LedAway { get; }

    /// <summary>Where the master is published. A mistake in these settings may be in any of them.</summary>
    public IEnumerable<KnownTarget> Targets =>
        _options.Publish.Mistakes.IsEmpty ? _factory.Targets.Where(target => target.Create is not null) : [];

    /// <summary>Null until the address of the server is known.</summary>
    public PublishLoop? Publishing { get; private set; }

    public IEnumerable<(string Name, PublisherLoop Loop)> Publishers => _publishers.Select(p => (p.Key, p.Value));

    public void Start(CancellationToken cancellation)
    {
        var supervisor = _supervisor;
        // The marker first: everything else may be wrong.
        supervisor.Start("marker", Marker.RunAsync, cancellation);
        if (Record is not null) supervisor.Start("record", Record.RunAsync, cancellation);
        supervisor.Start("rescues", Rescues.RunAsync, cancellation);
        supervisor.Start("address", _address.RunAsync, cancellation);
        supervisor.Start("sentinels", Sentinels.RunAsync, cancellation);
        supervisor.Start("server", Server.RunAsync, cancellation);
        if (_process is not null) supervisor.Start("process", _process.RunAsync, cancellation);
        supervisor.Start("fence", Fence.RunAsync, cancellation);
        if (LedAway is not null) supervisor.Start("led-away", LedAway.RunAsync, cancellation);
        supervisor.Start("self-replica", _selfReplica.RunAsync, cancellation);
        supervisor.Start("stray-replica", _strayReplica.RunAsync, cancellation);
        supervisor.Start("death", _death.RunAsync, cancellation);
        supervisor.Start("abandoned", _abandoned.RunAsync, cancellation);
        supervisor.Start("publishing", PublishAsync, cancellation);
        if (_epochs is not null) supervisor.Start("epoch", _epochs.RunAsync, cancellation);
        if (_options.RoleLabelMistake is { } mistake) _decisions.Problem("role-label", "wrong-configuration", mistake);
        if (_roleLabel is not null) supervisor.Start("role-label", _roleLabel.RunAsync, cancellation);
        supervisor.Start("passwords", _passwords.RunAsync, cancellation);
        supervisor.Start("ghosts", _ghosts.RunAsync, cancellation);
        _handOver.Start(supervisor, cancellation);
    }

    // What is published names the own address: begun once that is known, and anew where the server announces another.
    private async Task PublishAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var address = await _address.WhenAnotherAsync(null, cancellation).ConfigureAwait(false);
            using var scope = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var loop = Publishing = Publish(address);
            List<Task> running = [_supervisor.KeepAsync("publish", loop.RunAsync, scope.Token)];
            if (_book is not null) running.Add(_supervisor.KeepAsync("addresses", Addresses(_book, address).RunAsync, scope.Token));
            running.AddRange(Targets.Select(target =>
                _supervisor.KeepAsync("publish-" + target.Name, ct => PublishAtAsync(target, loop, ct), scope.Token)));
            try
            {
                var next = await _address.WhenAnotherAsync(address, cancellation).ConfigureAwait(false);
                _log.Warning("address-changed", $"the server announces {next} now, before {address}: publishing begins anew");
            }
            finally
            {
                await scope.CancelAsync().ConfigureAwait(false);
                await Task.WhenAll(running).ConfigureAwait(false);
            }
        }
    }

    // Made when its loop starts: what fails here fails alone, and is tried again.
    private async Task PublishAtAsync(KnownTarget target, PublishLoop loop, CancellationToken cancellation)
    {
        using var writer = target.Create!();
        _log.Info("publisher", $"publishes at {writer.Description}", LogField.Of("publisher", target.Name));
        var settings = new PublisherSettings(target.Check, _options.DryRun, target.Backstop);
        var publisher = new PublisherLoop(
            writer, loop, _another.FindAsync, settings, _publishMetrics, _decisions, _time, _random.NextDouble);
        _publishers[target.Name] = publisher;
        await publisher.RunAsync(cancellation).ConfigureAwait(false);
    }

    private void PublishFailed(string target, TargetFailure failure)
    {
        _publishMetrics.Failed(target);
        _decisions.Problem("publish-" + target, failure.Kind.ToString().ToLowerInvariant(), failure.Message);
    }

    private PublishLoop Publish(RedisEndpoint address) =>
        new(new PublishSettings(address, Own(address), _group.SentinelCount, _options.Publish.RankDelay, Period), Server, Sentinels,
            new GroupTerm(MarkerTerm, Record), _decisions, _time);

    // What the server beside this process is published as.
    private MasterAddresses Own(RedisEndpoint address) =>
        new(_options.Publish.Address ?? address.Host,
            PodAddress.Of(_group.PodAddress, address, AnnounceAddress.OwnAddresses(), _group.RedisPort));

    // For the other sidecars, which publish this node where this one does not.
    private AddressLoop Addresses(LeaseAddressBook book, RedisEndpoint address)
    {
        var own = Own(address);
        return new AddressLoop(book.RecordAsync, new NodeAddresses(_node.Name, _node.Uid, address, own.Internal, own.External), _decisions,
            _time, _random.NextDouble);
    }

    // Before another may be elected; and never so short that one slow look fences.
    private static TimeSpan Patience(TimeSpan downAfter) =>
        downAfter > TimeSpan.FromSeconds(2) ? downAfter - TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(1);

    private Task<IReadOnlyCollection<SentinelObservation>> ObserveAsync(CancellationToken cancellation) =>
        Task.FromResult(Sentinels.Observe());

    private async Task<ImmutableArray<RedisEndpoint>> ResolveSentinelsAsync(CancellationToken cancellation)
    {
        var resolved = await EndpointResolver.ResolveAsync(
            _group.SentinelHosts, _group.ConnectTimeout, TimeProvider.System, cancellation).ConfigureAwait(false);
        return resolved.Endpoints;
    }

    private async Task<RecordReading> ReadRecordedAsync(IGroupRecord record, CancellationToken cancellation)
    {
        var read = await record.ReadAsync(cancellation).ConfigureAwait(false);
        if (read is not ElectionObservation.Known { View: var view })
            return new RecordReading(null, ((ElectionObservation.Unavailable)read).Why);
        // What can't be read of the sidecars' addresses is missing: the policy counts the nodes.
        var recorded = _book is null ? [] : (await _book.ReadAsync(cancellation).ConfigureAwait(false)).Known;
        return new RecordReading(RecordedGroup.Of(view, recorded));
    }

    private Task<GroupObservation> LookAtGroupAsync(CancellationToken cancellation) =>
        _connections.Observer.ObserveNodesAsync(Sentinels.Observe(), cancellation);

    private long MarkerTerm() =>
        Marker.Written?.Marker.Token.Term ?? (_markers.Read() is { IsKnown: true, Value: { } marker } ? marker.Token.Term : 0);

    private long? MarkerEpoch() =>
        _markers.Read() is { IsKnown: true, Value: { Role: MarkerRole.Master } marker } ? marker.Token.Epoch : null;

    private RedisEndpoint? AnnouncedOfMarker() =>
        _markers.Read() is { IsKnown: true, Value: { } marker } && marker.Node.Name == _group.NodeName ? marker.Announced?.Address : null;

    private string? UidOfMarker() =>
        _markers.Read() is { IsKnown: true, Value: { } marker } && marker.Node.Name == _group.NodeName ? marker.Node.Uid : null;

    private string? Superseded() => Record?.Record?.LastServing is { } serving && serving.Node != _group.NodeName
        && Marker.Written is { } written && serving.Token > written.Marker.Token
        ? $"the group's record says that {serving.Node} serves with token {serving.Token}, newer than {written.Marker.Token}"
        : null;

    // Only its change counts: the file outlives the process that wrote it.
    private DateTime? Heartbeat()
    {
        try
        {
            var file = new FileInfo(Path.Combine(_group.ConfigDirectory, HeartbeatFile.Name));
            return file.Exists ? file.LastWriteTimeUtc : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void ReportGhosts(GhostDecision decision, GhostSnapshot snapshot, string? refusal)
    {
        _decisions.Decided("ghosts", decision.Code, decision.Reason, decision is GhostDecision.Refuse,
            () => JsonSerializer.Serialize(snapshot, GhostJson.Default.GhostSnapshot));
        if (decision is GhostDecision.Reset reset && !_options.DryRun)
            _decisions.Acted("ghosts", "reset", $"SENTINEL RESET at {reset.Sentinel}", refusal);
    }
}
