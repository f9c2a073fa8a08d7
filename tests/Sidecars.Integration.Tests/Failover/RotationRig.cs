using System.Collections.Concurrent;
using System.Globalization;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// A group with passwords in a folder a node, changed there as kubelet does, and a <see cref="PasswordLoop"/> beside every Redis.
/// </summary>
internal sealed class RotationRig : IAsyncDisposable
{
    private readonly NodeSecrets _secrets = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<LocalNode, Task> _sidecars = [];

    public RotationRig(string name)
    {
        Group = new LocalGroup(
            new LocalGroupOptions { Name = name, Passwords = NodeSecrets.Passwords("old"), NextPasswords = NodeSecrets.Passwords("new") });
        foreach (var node in Group.All) Put(node, "old", null);
    }

    public LocalGroup Group { get; }

    /// <summary>The last decision of each sidecar.</summary>
    public ConcurrentDictionary<string, string> Last { get; } = new();

    /// <summary>Everything that the sidecars said, snapshots included.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>A Secret reaches a node: all of its files at once.</summary>
    public void Put(LocalNode node, string current, string? previous) => _secrets.Put(node, current, previous);

    public void StartSidecars()
    {
        foreach (var node in Group.Redis) _sidecars[node] = Task.Run(() => Loop(node).RunAsync(_stop.Token));
    }

    public Task WaitAsync(string code, IEnumerable<LocalNode>? nodes = null) => Eventually.UntilAsync(
        $"{code} at every sidecar", () => (nodes ?? Group.Redis).All(n => Last.GetValueOrDefault(n.Name) == code), TimeSpan.FromSeconds(60),
        () => string.Join('\n', Last.Select(l => $"{l.Key} {l.Value}").Concat(Said.Where(s => s[0] == '!').TakeLast(30))) + Group.Tails());

    /// <summary>Whether a server lets a user in.</summary>
    public async Task<bool> AcceptsAsync(LocalNode node, string? user, string password)
    {
        try
        {
            await using var client = await RedisClient.ConnectAsync(
                new TcpTransport(node.Endpoint), new RedisClientOptions
                {
                    Credentials = [new RedisCredential(user, password)],
                    ConnectTimeout = TimeSpan.FromSeconds(10),
                    CommandTimeout = TimeSpan.FromSeconds(10)
                },
                default);
            return true;
        }
        catch (RedisConnectionException e) when (e.Failure == RedisFailure.Auth)
        {
            return false;
        }
    }

    /// <summary>Users that some server lets in with a password of this age, as <c>server user</c>.</summary>
    public async Task<List<string>> AcceptedAsync(string age)
    {
        var accepted = new List<string>();
        foreach (var node in Group.All.Where(n => n.Running))
        {
            var isRedis = node.Kind == LocalNodeKind.Redis;
            (string? User, string Key)[] users = [(null, isRedis ? "redis-password" : "sentinel-password"),
                ("sentinel-demo/redis", "sentinel-auth-password"), ("sidecar-demo/redis", "sidecar-password"),
                .. isRedis ? [((string?)"repl-demo/redis", "replication-password")] : Array.Empty<(string?, string)>()];
            foreach (var (user, key) in users)
                if (await AcceptsAsync(node, user, NodeSecrets.Password(age, key))) accepted.Add($"{node} {user ?? "default"}");
        }

        return accepted;
    }

    public WriteLoadOptions Clients => new(Group.SentinelEndpoints, Group.Options.EffectiveMasterName)
    {
        WritesPerSecond = 200,
        RedisPassword = Group.Options.Passwords.Redis,
        SentinelPassword = Group.Options.Passwords.Sentinel,
        NextRedisPassword = Group.Options.NextPasswords.Redis,
        NextSentinelPassword = Group.Options.NextPasswords.Sentinel,
        CommandTimeout = TimeSpan.FromSeconds(5), // a starved machine is no failed command
    };

    /// <summary>No password stands in any log, in clear or as the hash that Redis keeps.</summary>
    public void AssertNoSecrets()
    {
        string[] ages = ["old", "new"];
        var secrets = ages.SelectMany(age => NodeSecrets.All.SelectMany(
            s => (string[])[$"{age} \"{s.Key}", $"{age} \\\"{s.Key}", Secret.Of(NodeSecrets.Password(age, s.Key)).Sha256Hex])).ToArray();
        foreach (var line in Said.Concat(Group.All.SelectMany(n => n.Process!.Output)))
            Assert.DoesNotContain(secrets, secret => line.Contains(secret, StringComparison.OrdinalIgnoreCase));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var one in _sidecars.Values) await one.ContinueWith(_ => { }, TaskScheduler.Default);
        await Group.DisposeAsync();
        _secrets.Dispose();
        _stop.Dispose();
    }

    private PasswordLoop Loop(LocalNode node)
    {
        var variables = new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = Group.Options.ClusterId,
            ["NODE_NAME"] = node.Name,
            ["ANNOUNCE_HOST"] = node.Endpoint.Host,
            ["ELECTION"] = "file",
            ["REDIS_PORT"] = node.Endpoint.Port.ToString(CultureInfo.InvariantCulture),
            ["DATA_DIR"] = node.DataFolder,
            ["CONFIG_DIR"] = node.ConfigFolder,
            ["REDIS_SERVER_SERVICE_HOST"] = string.Join(',', Group.Redis.Select(n => n.Endpoint)),
            ["REDIS_SENTINEL_SERVICE_HOST"] = string.Join(',', Group.SentinelEndpoints),
        };
        foreach (var (variable, key) in NodeSecrets.All) variables[variable + "_FILE"] = _secrets.FileOf(node, key);
        var settings = new SettingReader(variables);
        var read = GroupSettings.Read(settings, isSentinel: false)
            ?? throw new InvalidOperationException(string.Join('\n', settings.Errors));
        var connections = new GroupConnections(read, TimeProvider.System);
        return new PasswordLoop(
            new PasswordSettings
            {
                Cluster = read.Cluster,
                Address = () => node.Endpoint,
                Own = node.Endpoint,
                RedisHosts = read.RedisHosts,
                SentinelHosts = read.SentinelHosts,
                RedisCount = 3,
                SentinelCount = 3,
                ResolveTimeout = read.ConnectTimeout,
                Period = TimeSpan.FromMilliseconds(300),
                IdlePeriod = TimeSpan.FromSeconds(1),
            },
            () => GroupSettings.ReadPasswords(settings.Again()),
            new PasswordClient(connections.Transport, connections.AsSidecar, read.MasterName),
            async ct => QuorumFacts.Of(await Task.WhenAll(read.SentinelHosts.Select(e => connections.Sentinels.ObserveAsync(e, ct))), 3),
            new RetiredPasswords(Path.Combine(node.ConfigFolder, "retired-passwords")),
            connections.UsePasswords,
            new Sink(this, node.Name),
            new MetricSet(),
            TimeProvider.System);
    }

    private sealed class Sink(RotationRig rig, string node) : IDecisionSink
    {
        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
        {
            if (rig.Last.GetValueOrDefault(node) != code) rig.Said.Enqueue($"! {node} {code}: {reason}");
            rig.Last[node] = code;
            rig.Said.Enqueue(snapshot());
        }

        public void Acted(string loop, string code, string detail, string? failure) =>
            rig.Said.Enqueue($"! {node} {code} done: {detail} {failure}");
    }
}
