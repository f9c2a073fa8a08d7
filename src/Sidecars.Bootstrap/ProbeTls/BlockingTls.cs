using System.Net.Security;
using System.Security.Authentication;
using Sidecars.Core.Redis;

namespace Sidecars.Bootstrap.ProbeTls;

/// <summary>
/// TLS for the connection of the probe, with the rules of <see cref="TlsTransport"/>. Reached by nobody else, for the same reason.
/// </summary>
internal static class BlockingTls
{
    /// <summary>Performs the handshake, within the deadline of the stream.</summary>
    /// <param name="stream">Connected.</param>
    /// <param name="host">The name or address that the certificate must hold, unless the settings name another.</param>
    /// <param name="settings">Whom to trust.</param>
    /// <exception cref="RedisConnectionException">It failed, or was not done in time.</exception>
    public static Stream Secure(Stream stream, string host, TlsSettings settings)
    {
        var options = TlsClientOptions.Load(settings, host, host);
        var ssl = new SslStream(stream);
        try
        {
            ssl.AuthenticateAsClient(options);
            return ssl;
        }
        catch (Exception exception)
        {
            ssl.Dispose();
            if (exception is AuthenticationException or (IOException and not RedisConnectionException))
                throw new RedisConnectionException(RedisFailure.Tls, $"{host}: {exception.Message}", exception);
            throw;
        }
    }
}
