using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Groups;

/// <summary>
/// A group of Redis and Sentinel nodes on this machine, each started by the published redis-bootstrap on a free loopback
/// port, with elections by a file lock. Nothing runs until it is started; dispose ends everything and removes its folder.
/// </summary>
public sealed class LocalGroup : IAsyncDisposable
{
    private static readonly TimeSpan HealthDeadline = TimeSpan.FromSeconds(60); // two failed elections of Sentinel and a start
    private readonly TempFolder _folder;
    private readonly GroupProbe _probe;
    private readonly string _bootstrap;
    private readonly List<LocalNode> _replaced = [];
    private int _nextSentinel;

    /// <summary>Chooses ports and writes the files that nodes are pointed to.</summary>
    public LocalGroup(LocalGroupOptions? options = null)
    {
        Options = options ?? new LocalGroupOptions();
        _bootstrap = Options.Bootstrap ?? Repository.NativeExecutable("redis-bootstrap");
        _folder = new TempFolder(Options.Name);
        _folder.Folder("election");
        Redis = Nodes(LocalNodeKind.Redis, Options.RedisCount);
        Sentinels = Nodes(LocalNodeKind.Sentinel, Options.SentinelCount);
        _nextSentinel = Options.SentinelCount;
        _probe = new GroupProbe(this);
        WriteFiles();
    }

    /// <summary>As given.</summary>
    public LocalGroupOptions Options { get; }

    /// <summary>Everything of this group is below.</summary>
    public string Folder => _folder.Path;

    /// <summary>True: dispose leaves processes running and the folder where it is.</summary>
    public bool KeepRunning { get; set; }

    /// <summary>redis-0 …</summary>
    public ImmutableArray<LocalNode> Redis { get; }

    /// <summary>sentinel-0 …; another one after <see cref="ReplaceSentinelAsync"/>.</summary>
    public ImmutableArray<LocalNode> Sentinels { get; private set; }

    /// <summary>Where the Sentinels are now, whenever it is looked at: what a client sees that resolves their Service's name.</summary>
    public IReadOnlyList<RedisEndpoint> SentinelEndpoints => new NodeEndpoints(() => Sentinels);

    /// <summary>Redis nodes, then Sentinels.</summary>
    public IEnumerable<LocalNode> All => [.. Redis, .. Sentinels];

    /// <summary>Starts nodes in this order.</summary>
    /// <param name="order">Default: <see cref="All"/>.</param>
    /// <param name="delayBefore">How long to wait before the n-th start; default: not at all.</param>
    /// <param name="cancellation">Ends a wait.</param>
    public async Task StartAsync(
        IEnumerable<LocalNode>? order = null, Func<int, TimeSpan>? delayBefore = null, CancellationToken cancellation = default)
    {
        var position = 0;
        foreach (var node in order ?? All)
        {
            var delay = delayBefore?.Invoke(position++) ?? TimeSpan.Zero;
            if (delay > TimeSpan.Zero) await Task.Delay(delay, TimeProvider.System, cancellation);
            await node.StartAsync();
        }
    }

    /// <summary>
    /// The pod of a Sentinel ends (SIGKILL) and a Deployment puts another in its place: another name, UID and address, an
    /// empty folder. Returns once the new one has a pid.
    /// </summary>
    public async Task<LocalNode> ReplaceSentinelAsync(LocalNode old)
    {
        var next = NewSentinel(old);
        await old.KillAsync();
        Options.Kubernetes?.ForgetPod(old.Name);
        Options.Pods?.Delete(old);
        await next.StartAsync();
        return next;
    }

    /// <summary>The node that a new pod in place of this Sentinel's is; not started, and the old one is left as it is.</summary>
    public LocalNode NewSentinel(LocalNode old)
    {
        var place = Place(LocalNodeKind.Sentinel, _nextSentinel);
        var next = new LocalNode(LocalNodeKind.Sentinel, _nextSentinel++, place, _folder, Start, Options.Pods);
        foreach (var (name, value) in old.Environment) next.Environment[name] = value;
        Sentinels = Sentinels.Replace(old, next);
        _replaced.Add(old);
        return next;
    }

    /// <summary>
    /// Starts <c>redis-failover run</c> beside a Redis, with the variables of its node. It serves no metrics, and the node is published
    /// as <see cref="LocalNode.PodAddress"/>.
    /// </summary>
    /// <param name="node">A Redis.</param>
    /// <param name="more">Further variables; they override the others.</param>
    /// <param name="within">Puts the start into something, a cgroup say.</param>
    public Task<ServerProcess> StartSidecarAsync(
        LocalNode node, IEnumerable<KeyValuePair<string, string>>? more = null, Func<ServerStart, ServerStart>? within = null) =>
        StartFailoverAsync(node, ["run"], more, within: within);

    /// <summary>
    /// Starts any command of <c>redis-failover</c> beside a Redis, with the variables of <see cref="StartSidecarAsync"/>.
    /// </summary>
    /// <param name="node">A Redis.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <param name="more">Further variables; they override the others.</param>
    /// <param name="output">A pipe or file that is its stdout; default: captured.</param>
    /// <param name="within">Puts the start into something, a cgroup say.</param>
    public Task<ServerProcess> StartFailoverAsync(LocalNode node, string[] arguments,
        IEnumerable<KeyValuePair<string, string>>? more = null, string? output = null, Func<ServerStart, ServerStart>? within = null)
    {
        var executable = Repository.NativeExecutable("redis-failover");
        var start = output is null
            ? new ServerStart(executable, arguments)
            : new ServerStart("sh", ["-c", "output=$1; shift; exec \"$@\" >\"$output\"", "sh", output, executable, .. arguments]);
        var environment = new Dictionary<string, string>(SidecarEnvironmentOf(node));
        foreach (var (name, value) in more ?? []) environment[name] = value;
        start = start with
        {
            Name = $"{node.Name}-{(arguments[0] == "run" ? "sidecar" : arguments[0])}",
            Environment = environment,
            WorkingDirectory = node.DataFolder
        };
        return ServerProcess.StartAsync(within?.Invoke(start) ?? start);
    }

    /// <summary>What <c>redis-failover</c> beside a Redis is configured with, unless its caller says otherwise.</summary>
    public IReadOnlyDictionary<string, string> SidecarEnvironmentOf(LocalNode node) => new Dictionary<string, string>(EnvironmentOf(node))
    {
        ["METRICS_PORT"] = "0",
        ["POD_IP"] = node.PodAddress,
        ["PUBLISH_ADDRESSES"] = string.Join(',', Redis.Select(n => $"{n.Endpoint}={n.PodAddress}")),
    };

    /// <summary>Asks every running node once, in parallel; takes at most about half a second, whoever is silent.</summary>
    public Task<GroupState> ObserveAsync(CancellationToken cancellation = default) => _probe.ObserveAsync(cancellation);

    /// <summary>
    /// Waits until <see cref="GroupState.Problem"/> is null: one master, all others linked replicas, all Sentinels agree.
    /// </summary>
    /// <exception cref="TimeoutException">Not in time; the message has the last state and the end of every node's output.</exception>
    public Task<GroupState> WaitHealthyAsync(TimeSpan? deadline = null, CancellationToken cancellation = default) =>
        WaitForAsync("a healthy group", state => state.Problem is null, deadline, cancellation);

    /// <summary>Waits until a condition holds for the state of the group.</summary>
    /// <exception cref="TimeoutException">Not in time; the message has the last state and the end of every node's output.</exception>
    public async Task<GroupState> WaitForAsync(
        string what, Func<GroupState, bool> condition, TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        GroupState? state = null;
        await Eventually.UntilAsync(
            what,
            async () => condition(state = await ObserveAsync(cancellation)),
            deadline ?? HealthDeadline,
            () => $"{state}\n{Tails()}",
            cancellation);
        return state!;
    }

    /// <summary>A connection to one node, logged in as its default user.</summary>
    /// <exception cref="RedisConnectionException">No connection, or no login.</exception>
    public Task<RedisClient> ConnectAsync(LocalNode node, TimeSpan timeout, CancellationToken cancellation = default)
    {
        string?[] passwords = node.Kind == LocalNodeKind.Redis
            ? [Options.Passwords.Redis, Options.NextPasswords.Redis]
            : [Options.Passwords.Sentinel, Options.NextPasswords.Sentinel];
        return RedisClient.ConnectAsync(
            Options.Transport(node.Endpoint),
            new RedisClientOptions
            {
                ConnectTimeout = timeout,
                CommandTimeout = timeout,
                Credentials = [.. passwords.OfType<string>().Select(password => new RedisCredential(null, password))],
            },
            cancellation);
    }

    /// <summary>The node that listens there, or null.</summary>
    public LocalNode? NodeAt(RedisEndpoint? endpoint) => All.FirstOrDefault(node => node.IsAt(endpoint));

    /// <summary>The last lines of every node.</summary>
    public string Tails(int lines = 12) =>
        string.Join('\n', All.Where(node => node.Process is not null).Select(node => node.Process!.Tail(lines)));

    /// <summary>Kills every node (all at once) and removes the folder, unless <see cref="KeepRunning"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (KeepRunning) return;
        await Task.WhenAll(All.Concat(_replaced).Select(node => node.KillAsync()));
        _folder.Dispose();
    }

    private ImmutableArray<LocalNode> Nodes(LocalNodeKind kind, int count) =>
        [.. Enumerable.Range(0, count).Select(index => new LocalNode(kind, index, Place(kind, index), _folder, Start, Options.Pods))];

    private NodePlace Place(LocalNodeKind kind, int index) =>
        Options.Pods?.Place(kind, index) ?? Options.Place?.Invoke(kind, index) ?? NodePlace.Loopback(FreePort.Next());

    private void WriteFiles()
    {
        if (Options.RedisBaseConfig is { } redis) _folder.Write("redis-base.conf", redis);
        if (Options.SentinelBaseConfig is { } sentinel) _folder.Write("sentinel-base.conf", sentinel);
        foreach (var (name, password) in Passwords())
            if (password is not null) _folder.Write(name, password);
    }

    private IEnumerable<(string Name, string? Password)> Passwords() =>
    [
        ("REDIS_PASSWORD", Options.Passwords.Redis),
        ("REPLICATION_PASSWORD", Options.Passwords.Replication),
        ("SENTINEL_AUTH_PASSWORD", Options.Passwords.SentinelAuth),
        ("SIDECAR_PASSWORD", Options.Passwords.Sidecar),
        ("SENTINEL_PASSWORD", Options.Passwords.Sentinel),
    ];

    private ServerStart Start(LocalNode node) =>
        At(node.Place, new ServerStart(_bootstrap, node.Kind == LocalNodeKind.Redis ? "redis" : "sentinel")
        {
            Name = node.Name,
            Environment = EnvironmentOf(node),
            WorkingDirectory = node.DataFolder,
            DetachedLog = Options.Detached ? node.LogFile : null,
        });

    /// <summary>The same, started at a place.</summary>
    public static ServerStart At(NodePlace place, ServerStart start) =>
        place.Enter is [var program, .. var rest]
            ? start with { Program = program, Arguments = [.. rest, start.Program, .. start.Arguments] }
            : start;

    /// <summary>What the containers of a node's pod are configured with; the sidecar has the same.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentOf(LocalNode node)
    {
        var isRedis = node.Kind == LocalNodeKind.Redis;
        var environment = new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = Options.ClusterId,
            ["NODE_NAME"] = node.Name,
            ["POD_UID"] = node.PodUid,
            ["REDIS_COUNT"] = Text(Options.RedisCount),
            ["SENTINEL_COUNT"] = Text(Options.SentinelCount),
            ["DURABILITY"] = Options.Durability,
            ["REDIS_SERVER_SERVICE_HOST"] = string.Join(',', Redis.Select(n => n.Endpoint)),
            ["REDIS_SENTINEL_SERVICE_HOST"] = string.Join(',', Sentinels.Select(n => n.Endpoint)),
            [isRedis ? "REDIS_PORT" : "SENTINEL_PORT"] = Text(node.Endpoint.Port),
            ["ANNOUNCE_HOST"] = node.Endpoint.Host,
            ["DATA_DIR"] = node.DataFolder,
            ["CONFIG_DIR"] = node.ConfigFolder,
            ["ELECTION"] = "file",
            ["ELECTION_DIR"] = _folder.File("election"),
            ["SENTINEL_DOWN_AFTER"] = Text((long)Options.DownAfter.TotalMilliseconds),
            ["SENTINEL_FAILOVER_TIMEOUT"] = Text((long)Options.FailoverTimeout.TotalMilliseconds),
        };
        if (Options.Kubernetes is { } cluster) EnterCluster(cluster, node, environment);
        if (Options.MasterName is { } masterName) environment["MASTER_NAME"] = masterName;
        if (Options.RedisBaseConfig is not null) environment["REDIS_BASE_CONFIG"] = _folder.File("redis-base.conf");
        if (Options.SentinelBaseConfig is not null) environment["SENTINEL_BASE_CONFIG"] = _folder.File("sentinel-base.conf");
        foreach (var (name, password) in Passwords())
            if (password is not null) environment[name + "_FILE"] = _folder.File(name);
        foreach (var (name, value) in Options.Pods?.EnvironmentOf(node) ?? []) environment[name] = value;
        foreach (var (name, value) in Options.Environment) environment[name] = value;
        foreach (var (name, value) in node.Environment) environment[name] = value;
        return environment;
    }

    private static void EnterCluster(FakeKubernetesServer cluster, LocalNode node, Dictionary<string, string> environment)
    {
        cluster.RunPod(node.Name, node.PodUid);
        environment["ELECTION"] = "lease";
        environment["KUBERNETES_SERVICE_HOST"] = cluster.PodView.Address.ToString();
        environment["KUBERNETES_SERVICE_PORT"] = Text(cluster.PodView.Port);
        environment["SERVICE_ACCOUNT_DIR"] = Path.GetDirectoryName(cluster.Config.TokenFile)!;
        environment["POD_NAMESPACE"] = FakeKubernetesServer.Namespace;
        // Nothing of the system's certificates is needed for a cluster's own CA; loading them takes 60 ms of processor time.
        environment["SSL_CERT_DIR"] = environment["SSL_CERT_FILE"] = "/nonexistent";
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
