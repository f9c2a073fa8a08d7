using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>
/// How to trust the server, and how to be trusted. Files are PEM and read at every connect, so that renewed ones take effect.
/// </summary>
public sealed record TlsSettings
{
    /// <summary>The certificate authorities trusted; the system's are not.</summary>
    public required string CaFile { get; init; }

    /// <summary>Client certificate, with its intermediates behind it; null for none.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>Its private key, not encrypted; null where <see cref="CertificateFile"/> is null or holds the key too.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The name that the server's certificate must hold (and SNI); default: the host connected to.</summary>
    public string? ServerName { get; init; }
}

/// <summary>
/// TLS 1.2 or 1.3 over TCP. The only type that reaches <see cref="SslStream"/>: a native executable that never constructs it
/// doesn't contain it (4 MB). Revocation is not checked: private CAs publish no lists, and a lookup would be one more thing that hangs.
/// </summary>
public sealed class TlsTransport(RedisEndpoint endpoint, TlsSettings settings) : IRespTransport
{
    private readonly TcpTransport _tcp = new(endpoint);

    /// <inheritdoc/>
    public string Description { get; } = $"{endpoint} (TLS)";

    /// <inheritdoc/>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var options = TlsClientOptions.Load(settings, endpoint.Host, Description);
        var ssl = new SslStream(await _tcp.ConnectAsync(cancellation).ConfigureAwait(false));
        try
        {
            await ssl.AuthenticateAsClientAsync(options, cancellation).ConfigureAwait(false);
            return ssl;
        }
        catch (Exception exception)
        {
            await ssl.DisposeAsync().ConfigureAwait(false);
            if (exception is AuthenticationException or IOException) throw Failed(exception);
            if (exception is OperationCanceledException)
                throw new RedisConnectionException(
                    RedisFailure.TimedOut, $"{Description}: connected, but the TLS handshake was not done in time.", exception);
            throw;
        }
    }

    private RedisConnectionException Failed(Exception exception) =>
        new(RedisFailure.Tls, $"{Description}: {exception.Message}", exception);
}

/// <summary>Settings as <see cref="SslStream"/> takes them.</summary>
internal static class TlsClientOptions
{
    public static SslClientAuthenticationOptions Load(TlsSettings settings, string host, string peer)
    {
        try
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.ImportFromPemFile(settings.CaFile);
            if (trust.CustomTrustStore.Count == 0) throw new CryptographicException($"{settings.CaFile} holds no certificate.");
            return new SslClientAuthenticationOptions
            {
                TargetHost = settings.ServerName ?? host,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                CertificateChainPolicy = trust,
                ClientCertificateContext = LoadClient(settings),
            };
        }
        catch (Exception exception)
            when (exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new RedisConnectionException(RedisFailure.Tls, $"{peer}: {exception.Message}", exception);
        }
    }

    private static SslStreamCertificateContext? LoadClient(TlsSettings settings)
    {
        if (settings.CertificateFile is null) return null;
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(settings.CertificateFile);
        var certificate = X509Certificate2.CreateFromPemFile(settings.CertificateFile, settings.KeyFile);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }
}
