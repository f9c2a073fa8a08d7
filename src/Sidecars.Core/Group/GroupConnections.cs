using Sidecars.Core.Configuration;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Group;

/// <summary>
/// The clients of a group, made from its settings: one login, one transport, the same deadlines everywhere. Opens nothing by itself.
/// </summary>
public sealed class GroupConnections
{
    private readonly GroupSettings _settings;
    private readonly TimeProvider _time;
    private readonly LiveCredentials _sidecar = new();
    private readonly LiveCredentials _sentinel = new();

    /// <param name="settings">The group.</param>
    /// <param name="time">The clock of every deadline.</param>
    public GroupConnections(GroupSettings settings, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _time) = (settings, time);
        Transport = settings.Tls is { } files
            ? endpoint => new TlsTransport(endpoint, new TlsSettings
            {
                CaFile = files.CaFile,
                CertificateFile = files.CertificateFile,
                KeyFile = files.KeyFile,
                ServerName = settings.TlsServerName,
            })
            : endpoint => new TcpTransport(endpoint);
        (AsSidecar, AsSentinel) = (Login(_sidecar), Login(_sentinel));
        UsePasswords(settings.RedisSecrets);
        Sentinels = new SentinelClient(Transport, AsSidecar, settings.MasterName);
        Leadership = new SentinelLeadership(Sentinels.ObserveAsync, new LeadershipClient(Transport, AsSidecar, settings.MasterName), time);
        Succession = new SuccessionRunner(Leadership, Transport, AsSidecar);
        Nodes = new NodeClient(Transport, AsSidecar);
        Observer = new GroupObserver(
            new GroupAddresses(settings.SentinelHosts, settings.RedisHosts, settings.ConnectTimeout), Sentinels, Nodes, time);
    }

    /// <summary>TCP, or TLS where configured.</summary>
    public Func<RedisEndpoint, IRespTransport> Transport { get; }

    /// <summary>Credentials of the sidecars, on Redis and Sentinel alike.</summary>
    public RedisClientOptions AsSidecar { get; }

    /// <summary>Credentials of the Sentinels.</summary>
    public RedisClientOptions AsSentinel { get; }

    /// <summary>Asks one Sentinel.</summary>
    public SentinelClient Sentinels { get; }

    /// <summary>Tells the Sentinels who is master.</summary>
    public SentinelLeadership Leadership { get; }

    /// <summary>Replaces a dead master.</summary>
    public SuccessionRunner Succession { get; }

    /// <summary>Asks one Redis.</summary>
    public NodeClient Nodes { get; }

    /// <summary>Asks all.</summary>
    public GroupObserver Observer { get; }

    /// <summary>From now on every client of this object logs in with these; connections that are open stay.</summary>
    public void UsePasswords(GroupSecrets redis)
    {
        var access = new GroupAccess(_settings.Cluster, redis);
        _sidecar.Use(access.Sidecar);
        _sentinel.Use(access.Sentinel);
    }

    /// <summary>
    /// The group's record. The elector keeps none: beside an API server there is a Lease nonetheless, elsewhere the result is null.
    /// Dispose it where it is disposable.
    /// </summary>
    /// <param name="shared">
    /// A client of <see cref="GroupSettings.Kubernetes"/>, so that what the server asks of one caller is kept by all; null: one of its own.
    /// </param>
    public IGroupRecord? OpenRecord(KubernetesClient? shared = null)
    {
        if (_settings.Election == ElectionKind.File) return new FileGroupRecord(_settings.ElectionDirectory);
        if (_settings.Kubernetes is not { } kubernetes) return null;
        var client = shared ?? new KubernetesClient(kubernetes.Config, _time);
        return new LeaseGroupRecord(
            client, new GroupLeaseStore(client, _settings.Cluster, kubernetes.LeaseName, _time), kubernetes.PodName, _settings.RedisCount);
    }

    /// <summary>Where the highest epoch is kept; null where nothing keeps it, as <see cref="OpenRecord"/>.</summary>
    /// <param name="kubernetes">A client of <see cref="GroupSettings.Kubernetes"/>; null where that is null.</param>
    public IEpochStore? OpenEpochs(KubernetesClient? kubernetes) =>
        _settings.Election == ElectionKind.File ? new FileEpochStore(_settings.ElectionDirectory)
            : kubernetes is not null
            ? new LeaseEpochStore(
                new GroupLeaseStore(kubernetes, _settings.Cluster, _settings.Kubernetes!.LeaseName, _time), _settings.Cluster)
            : null;

    private RedisClientOptions Login(LiveCredentials credentials) => new()
    {
        Credentials = credentials,
        ConnectTimeout = _settings.ConnectTimeout,
        CommandTimeout = _settings.CommandTimeout,
        Time = _time,
    };
}
