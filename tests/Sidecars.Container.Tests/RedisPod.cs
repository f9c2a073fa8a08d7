using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Volumes;
using StackExchange.Redis;
using Testcontainers.Redis;

namespace Sidecars.Container.Tests;

/// <summary>
/// A pod of manifests/base/redis as two containers: redis-failover, which starts first and holds the network, and Redis in that network
/// with the same volumes. The address stays when Redis dies, and the sidecar sees the death on loopback.
/// </summary>
public sealed class RedisPod : IAsyncDisposable
{
    private readonly ContainerGroup _group;
    private readonly IVolume _data = Volume();
    private readonly IVolume _run = Volume();
    private readonly RedisContainer _sidecar;
    private IContainer? _redis;

    internal RedisPod(ContainerGroup group, int index)
    {
        (_group, Name) = (group, FormattableString.Invariant($"redis-{index}"));
        // The container of the network publishes the port, so it is the RedisContainer.
        _sidecar = new RedisBuilder(group.RedisImage)
            .WithDockerEndpoint(Engine.Local.Endpoint)
            .WithNetwork(group.Network)
            .WithNetworkAliases(Name)
            .WithEntrypoint("redis-failover")
            .WithCommand("run")
            .WithVolumeMount(_data, "/data")
            .WithVolumeMount(_run, "/run/sidecars")
            .WithCreateParameterModifier(create => group.Complete(create, Name))
            .WithWaitStrategy(Wait.ForUnixContainer()) // not for Redis, which starts later
            .Build();
    }

    /// <summary>Name in the network, and NODE_NAME.</summary>
    public string Name { get; }

    /// <summary>Address in the network, which Redis announces.</summary>
    public string Address => _sidecar.IpAddress;

    /// <summary>redis-failover.</summary>
    public IContainer Sidecar => _sidecar;

    /// <summary>redis-bootstrap, which becomes redis-server.</summary>
    public IContainer Redis => _redis ?? throw new InvalidOperationException($"{Name} was not started");

    /// <summary>Starts both containers; does not wait until Redis has a role.</summary>
    public async Task StartAsync()
    {
        await _sidecar.StartAsync();
        _redis = new ContainerBuilder(_group.RedisImage)
            .WithDockerEndpoint(Engine.Local.Endpoint)
            .WithVolumeMount(_data, "/data")
            .WithVolumeMount(_run, "/run/sidecars")
            .WithCreateParameterModifier(create => _group.Complete(create, Name).NetworkMode = "container:" + _sidecar.Id)
            .Build();
        await _redis.StartAsync();
    }

    /// <summary>Connects to this server alone. A command without an answer fails; it is never queued for another connection.</summary>
    public Task<ConnectionMultiplexer> ConnectAsync()
    {
        var options = ConfigurationOptions.Parse(_sidecar.GetConnectionString());
        options.Password = ContainerGroup.Password;
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 0;
        options.ConnectTimeout = options.AsyncTimeout = 2000;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        return ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_redis is not null) await _redis.DisposeAsync();
        await _sidecar.DisposeAsync();
        await _data.DisposeAsync();
        await _run.DisposeAsync();
    }

    /// <inheritdoc />
    public override string ToString() => Name;

    private static IVolume Volume() => new VolumeBuilder().WithDockerEndpoint(Engine.Local.Endpoint).Build();
}
