using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// The HTTP connection pool to one API server, with the cluster's CA as the only root. When a certificate is refused, the
/// CA file is read again: a cluster's CA may be replaced while a pod runs. HTTP/1.1: a connection that hangs is closed with its call, and
/// the next call gets a new socket.
/// </summary>
/// <param name="config">Where the API server is.</param>
/// <param name="handler">In place of sockets; null: sockets.</param>
internal sealed class KubernetesTransport(KubernetesConfig config, Func<HttpMessageHandler>? handler = null) : IDisposable
{
    /// <summary>Largest CA file, bytes; a bundle of a hundred roots has a quarter of it.</summary>
    private const int MaxCaBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private HttpClient? _client;
    private byte[] _caHash = [];

    /// <summary>The pool; null with a problem where the CA can't be read.</summary>
    public HttpClient? Client(out string? problem)
    {
        lock (_gate)
        {
            problem = null;
            return _client ?? Build(out problem);
        }
    }

    /// <summary>True where the CA file has changed since the pool was built; the next call uses a new pool.</summary>
    public bool TryRenew()
    {
        lock (_gate)
        {
            var before = _caHash;
            if (TryReadCa(out var pem) is not null || before.AsSpan().SequenceEqual(SHA256.HashData(pem))) return false;
            // Not disposed: other calls may still use it. It idles out by itself.
            _client = null;
            return Build(out _) is not null;
        }
    }

    public void Dispose()
    {
        lock (_gate) _client?.Dispose();
    }

    private HttpClient? Build(out string? problem)
    {
        problem = TryReadCa(out var pem);
        if (problem is not null) return null;
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, // the system's roots are no authority for a cluster
            RevocationMode = X509RevocationMode.NoCheck, // cluster CAs publish no revocation lists
            DisableCertificateDownloads = true,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPem(System.Text.Encoding.UTF8.GetString(pem));
        }
        catch (CryptographicException e)
        {
            problem = $"{config.CaFile} holds no certificates: {e.Message}";
            return null;
        }

        if (policy.CustomTrustStore.Count == 0)
        {
            problem = $"{config.CaFile} holds no certificates";
            return null;
        }

        _caHash = SHA256.HashData(pem);
        var sockets = handler is not null ? null : new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            ConnectTimeout = config.ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // an HA control plane is spread again after one of its servers was away
            UseProxy = false, // a proxy from the environment is for traffic out of the cluster
            AllowAutoRedirect = false, // a redirect would carry the token elsewhere
            UseCookies = false,
            ActivityHeadersPropagator = null,
        };
        return _client = new HttpClient(sockets ?? handler!()) { BaseAddress = config.Server, Timeout = Timeout.InfiniteTimeSpan };
    }

    private string? TryReadCa(out byte[] pem)
    {
        pem = [];
        try
        {
            using var file = File.OpenRead(config.CaFile);
            if (file.Length > MaxCaBytes) return $"{config.CaFile} is longer than {MaxCaBytes} bytes";
            pem = new byte[file.Length];
            file.ReadExactly(pem);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{config.CaFile} can't be read: {e.Message}";
        }
    }
}
