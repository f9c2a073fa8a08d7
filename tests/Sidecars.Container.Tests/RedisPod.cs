using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Volumes;
using StackExchange.Redis;
using Testcontainers.Redis;

namespace Sidecars.Container.Tests;

/// <summary>
/// What manifests/base/redis runs as one pod: redis-failover, which starts first and holds the network, and Redis beside it with the same
/// volumes. So the address outlives a death of Redis, which the sidecar sees.
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
        // A RedisContainer, since it is what publishes the port of the pod.
        _sidecar = new RedisBuilder(group.RedisImage)
            .WithDockerEndpoint(Engine.Local.Endpoint)
            .WithNetwork(group.Network)
            .WithNetworkAliases(Name)
            .WithEntrypoint("redis-failover")
            .WithCommand("run")
            .WithVolumeMount(_data, "/data")
            .WithVolumeMount(_run, "/run/sidecars")
            .WithCreateParameterModifier(create => group.Complete(create, Name))
            .WithWaitStrategy(Wait.ForUnixContainer()) // Redis can't answer before it has this network
            .Build();
    }

    /// <summary>Its name in the network, and NODE_NAME.</summary>
    public string Name { get; }

    /// <summary>As the others and the Sentinels see it.</summary>
    public string Address => _sidecar.IpAddress;

    /// <summary>redis-failover.</summary>
    public IContainer Sidecar => _sidecar;

    /// <summary>redis-bootstrap, which becomes redis-server.</summary>
    public IContainer Redis => _redis ?? throw new InvalidOperationException($"{Name} was not started");

    /// <summary>Starts both containers; Redis has no role yet then.</summary>
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

    /// <summary>A connection to this server alone, by a client that is not ours. What gets no answer fails, and is not sent elsewhere.</summary>
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
