using System.Net;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// How a pod reaches the API server of its cluster. Holds paths, never secrets: the token and the CA are read from their
/// files when they are needed, since both are replaced while the pod runs.
/// </summary>
public sealed record KubernetesConfig
{
    /// <summary>Folder that kubelet projects the token, the CA bundle and the namespace into.</summary>
    public const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Base address, ending in <c>/</c>; an IPv6 host is in brackets.</summary>
    public required Uri Server { get; init; }

    /// <summary>File with the bearer token; read again every <see cref="TokenRefresh"/> and on 401.</summary>
    public required string TokenFile { get; init; }

    /// <summary>PEM file with the cluster's CA certificates, the only roots that are trusted.</summary>
    public required string CaFile { get; init; }

    /// <summary>Namespace of every object that is read or written: the tenant's.</summary>
    public required string Namespace { get; init; }

    /// <summary>
    /// Deadline of one call with its retry after 401; default 5 s, since a Lease is renewed every 30 s and a master must
    /// know in time that it can't.
    /// </summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Longest time to connect, TLS included; default 2 s, so that a dead API server's address leaves time for another
    /// call inside one round.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Age at which the token file is read again; default 60 s, as client-go does (kubelet renews at 80 % of an hour).</summary>
    public TimeSpan TokenRefresh { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Largest accepted response body, bytes; default 2 MiB, above etcd's 1.5 MiB limit for one object.</summary>
    public int MaxResponseBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Value of the <c>User-Agent</c> header, which appears in the audit log of the cluster.</summary>
    public string UserAgent { get; init; } = "sidecars";

    /// <summary>Creates the configuration of a pod, from values that its <c>*Options</c> read.</summary>
    /// <param name="host"><c>KUBERNETES_SERVICE_HOST</c>: a name, an IPv4 or a bare IPv6 address.</param>
    /// <param name="port"><c>KUBERNETES_SERVICE_PORT</c>.</param>
    /// <param name="namespaceName">The pod's namespace (downward API, or the projected <c>namespace</c> file).</param>
    /// <param name="folder">Where token and CA are projected; default <see cref="ServiceAccountFolder"/>.</param>
    /// <exception cref="ArgumentException">The host, the port or the namespace can't be one.</exception>
    public static KubernetesConfig InCluster(string host, int port, string namespaceName, string folder = ServiceAccountFolder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        if (port is < 1 or > 65535) throw new ArgumentOutOfRangeException(nameof(port), port, "A port is 1..65535.");
        if (!KubernetesName.IsLabel(namespaceName))
            throw new ArgumentException("A namespace is 1..63 of a-z 0-9 -.", nameof(namespaceName));
        var authority = IPAddress.TryParse(host.Trim('[', ']'), out var ip)
            && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? $"[{ip}]"
            : host;
        if (!Uri.TryCreate(
            $"https://{authority}:{port.ToString(System.Globalization.CultureInfo.InvariantCulture)}/", UriKind.Absolute, out var server)
            || server.AbsolutePath != "/" || server.UserInfo.Length > 0)
            throw new ArgumentException("The host is neither a name nor an address.", nameof(host));
        return new KubernetesConfig
        {
            Server = server,
            TokenFile = Path.Combine(folder, "token"),
            CaFile = Path.Combine(folder, "ca.crt"),
            Namespace = namespaceName,
        };
    }
}
