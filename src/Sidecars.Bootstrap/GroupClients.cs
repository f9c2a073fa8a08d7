using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap;

/// <summary>The clients of the group, made from the options: one login, one transport, the same deadlines everywhere.</summary>
internal sealed class GroupClients
{
    public GroupClients(BootstrapOptions options, TimeProvider time)
    {
        Func<RedisEndpoint, IRespTransport> transport = options.Tls is { } files
            ? endpoint => new TlsTransport(endpoint, new TlsSettings
            {
                CaFile = files.CaFile,
                CertificateFile = files.CertificateFile,
                KeyFile = files.KeyFile,
                ServerName = options.TlsServerName,
            })
            : endpoint => new TcpTransport(endpoint);
        var access = new GroupAccess(options.Cluster, options.RedisSecrets);
        var client = Options(access.Sidecar, options, time);
        Sentinels = new SentinelClient(transport, client, options.MasterName);
        SentinelIds = new SentinelIdClient(transport, client, Options(access.Sentinel, options, time));
        var addresses = new GroupAddresses(options.SentinelHosts, options.RedisHosts, options.ConnectTimeout);
        Observer = new GroupObserver(addresses, Sentinels, new NodeClient(transport, client), time);
    }

    public SentinelClient Sentinels { get; }

    public SentinelIdClient SentinelIds { get; }

    public GroupObserver Observer { get; }

    private static RedisClientOptions Options(GroupLogin login, BootstrapOptions options, TimeProvider time) => new()
    {
        Credentials = login.PreviousPassword is { } previous
            ? [new RedisCredential(login.User, login.Password), new RedisCredential(login.User, previous)]
            : [new RedisCredential(login.User, login.Password)],
        ConnectTimeout = options.ConnectTimeout,
        CommandTimeout = options.CommandTimeout,
        Time = time,
    };
}
