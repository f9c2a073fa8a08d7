using System.Collections.Immutable;
using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Networks;
using Sidecars.TestKit.Processes;

namespace Sidecars.Container.Tests;

/// <summary>
/// Three Redis pods and three Sentinels of the shipped images on a network of their own, with the settings and rights of manifests/base.
/// There is no API server: elections use a shared folder.
/// </summary>
public sealed class ContainerGroup : IAsyncLifetime
{
    /// <summary>The password of every user.</summary>
    public const string Password = "of-the-suite-alone";

    private const string MasterName = "containers.redis";
    private const int Nodes = 3;
    private const int LogLines = 20;
    private const int LogWidth = 400; // the decision and why, without its snapshot

    /// <summary>For a cold start or a return after a failover, on a machine that is busy.</summary>
    private static readonly TimeSpan HealthDeadline = TimeSpan.FromMinutes(2);

    /// <summary>As in the manifests. Podman 4.3 kills at once where its API is given none.</summary>
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(90);

    private static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["CLUSTER_ID"] = "containers/redis",
        ["REDIS_SERVER_SERVICE_HOST"] = "redis-0,redis-1,redis-2",
        ["REDIS_SENTINEL_SERVICE_HOST"] = "sentinel-nodes",
        ["REDIS_COUNT"] = "3",
        ["SENTINEL_COUNT"] = "3",
        ["ELECTION"] = "file",
        ["ELECTION_DIR"] = "/election",
        ["REDIS_PASSWORD"] = Password,
        ["REDISCLI_AUTH"] = Password,
    };

    private readonly TempFolder _election = new("election");

    private INetwork? _network;

    /// <summary>redis-0 …; none where the suite is skipped.</summary>
    public ImmutableArray<RedisPod> Pods { get; private set; } = [];

    /// <summary>Their containers.</summary>
    public ImmutableArray<IContainer> Sentinels { get; private set; } = [];

    internal INetwork Network => _network ?? throw new InvalidOperationException(Engine.Missing);

    internal string RedisImage { get; private set; } = "";

    /// <summary>Starts everything at once; does not wait for a master.</summary>
    public async Task InitializeAsync()
    {
        if (Engine.Missing is not null) return;
        // The reaper's image would have to be pulled; DisposeAsync removes everything.
        TestcontainersSettings.ResourceReaperEnabled = false;
        // For uid 999 of the containers, which may be another uid here.
#pragma warning disable CA1416 // Linux only
        File.SetUnixFileMode(_election.Path, (UnixFileMode)0b111_111_111);
#pragma warning restore CA1416
        _network = new NetworkBuilder().WithDockerEndpoint(Engine.Local.Endpoint).Build();
        await _network.CreateAsync();
        RedisImage = Engine.Local.FindImage("redis")!;
        Pods = [.. Enumerable.Range(0, Nodes).Select(i => new RedisPod(this, i))];
        Sentinels = [.. Enumerable.Range(0, Nodes).Select(Sentinel)];
        await Task.WhenAll([.. Pods.Select(pod => pod.StartAsync()), .. Sentinels.Select(sentinel => sentinel.StartAsync())]);
    }

    /// <summary>Removes everything.</summary>
    public async Task DisposeAsync()
    {
        foreach (var pod in Pods) await pod.DisposeAsync();
        foreach (var sentinel in Sentinels) await sentinel.DisposeAsync();
        if (_network is not null) await _network.DisposeAsync();
        _election.Dispose();
    }

    /// <summary>Waits until every probe passes and <c>redis-failover status</c> finds nothing wrong.</summary>
    public async Task WaitHealthyAsync()
    {
        var seen = "";
        await Eventually.UntilAsync(
            "a healthy group",
            async () =>
            {
                foreach (var (container, role) in Servers())
                {
                    var probe = await ProbeAsync(container, "readiness", role);
                    if (probe.ExitCode != 0) return Saw($"{container.Name}: {probe.Stdout}{probe.Stderr}");
                }

                var status = await RunAsync(Pods[0].Sidecar, "redis-failover", "status");
                return status.ExitCode == 0 || Saw(status.Stdout + status.Stderr);
            },
            HealthDeadline,
            () => seen);

        bool Saw(string what)
        {
            seen = what;
            return false;
        }
    }

    /// <summary>The container of each server, and the role that its probe is given.</summary>
    public IEnumerable<(IContainer Container, string Role)> Servers() =>
        [.. Pods.Select(pod => (pod.Redis, "redis")), .. Sentinels.Select(sentinel => (sentinel, "sentinel"))];

    /// <summary>Runs a probe as kubelet does.</summary>
    public static Task<ExecResult> ProbeAsync(IContainer container, string kind, string role) =>
        RunAsync(container, "redis-probe", kind, "--role", role);

    /// <summary>Runs a command in a container.</summary>
    /// <exception cref="InvalidOperationException">The container has ended; the message has the end of its log.</exception>
    public static async Task<ExecResult> RunAsync(IContainer container, params string[] command)
    {
        try
        {
            return await container.ExecAsync(command);
        }
        catch (DockerApiException e)
        {
            var (output, error) = await container.GetLogsAsync(timestampsEnabled: false);
            var log = (output + error).Split('\n').TakeLast(LogLines).Select(line => line[..Math.Min(line.Length, LogWidth)]);
            throw new InvalidOperationException($"{container.Name}: {e.Message}\n{string.Join('\n', log)}", e);
        }
    }

    /// <summary>The pod that a majority of the Sentinels names as master, or null.</summary>
    public async Task<RedisPod?> FindMasterAsync()
    {
        var named = new List<string>();
        foreach (var sentinel in Sentinels)
        {
            var reply = await RunAsync(sentinel, "redis-cli", "-p", "26379", "sentinel", "get-master-addr-by-name", MasterName);
            named.Add(reply.Stdout.Split('\n')[0].Trim());
        }

        return Pods.SingleOrDefault(pod => named.Count(address => address == pod.Address) > Nodes / 2);
    }

    /// <summary>The reply to ROLE: <c>master</c> …, or <c>slave</c>, address and port of its master, state of the link …</summary>
    public static async Task<string[]> RoleAsync(RedisPod pod) =>
        [.. (await RunAsync(pod.Redis, "redis-cli", "role")).Stdout.Split('\n').Select(line => line.Trim())];

    /// <summary>Gives a container what all have: settings, the shared folder, and only the rights that manifests/base grants.</summary>
    internal HostConfig Complete(CreateContainerParameters create, string node)
    {
        create.Env = [.. create.Env ?? [], .. Settings.Select(setting => $"{setting.Key}={setting.Value}"), "NODE_NAME=" + node];
        create.StopTimeout = GracePeriod;
        var host = create.HostConfig ??= new HostConfig();
        host.Mounts = [.. host.Mounts ?? [], new Mount { Type = "bind", Source = _election.Path, Target = "/election" }];
        host.ReadonlyRootfs = true;
        host.CapDrop = ["ALL"];
        host.SecurityOpt = ["no-new-privileges"];
        return host;
    }

    /// <summary>A volume that is removed with its container. Its owner is that of the image's folder; that of a tmpfs is root.</summary>
    private static Mount Anonymous(string folder) => new() { Type = "volume", Target = folder };

    private IContainer Sentinel(int slot) => new ContainerBuilder(Engine.Local.FindImage("sentinel")!)
        .WithDockerEndpoint(Engine.Local.Endpoint)
        .WithNetwork(Network)
        .WithNetworkAliases("sentinel-nodes")
        .WithEnvironment("SENTINEL_SLOT", FormattableString.Invariant($"{slot}"))
        .WithCreateParameterModifier(create => Complete(create, $"sentinel-{slot}").Mounts!.Add(Anonymous("/run/sidecars")))
        .Build();
}
