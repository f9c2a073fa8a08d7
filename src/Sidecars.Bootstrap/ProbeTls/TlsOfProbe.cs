using System.Runtime.InteropServices;
using Sidecars.Core.Redis;

namespace Sidecars.Bootstrap.ProbeTls;

/// <summary>TLS of <c>redis-probe-tls</c>, where TLS_CA_FILE is set.</summary>
internal static partial class TlsOfProbe
{
    /// <summary>Reads the TLS settings; null: plain connections.</summary>
    public static Func<Stream, string, Stream>? Read(Func<string, string?> setting, List<string> errors)
    {
        var (ca, certificate, key) = (setting("TLS_CA_FILE"), setting("TLS_CERT_FILE"), setting("TLS_KEY_FILE"));
        if (ca is null && certificate is null && key is null) return null;
        if (ca is null || certificate is null != key is null)
            errors.Add("TLS_CERT_FILE and TLS_KEY_FILE go together, and with TLS_CA_FILE");
        var settings =
            new TlsSettings { CaFile = ca ?? "", CertificateFile = certificate, KeyFile = key, ServerName = setting("TLS_SERVER_NAME") };
        // Only TLS_CA_FILE is trusted, yet the system's store would be parsed before the first handshake: 100 ms of CPU. The C
        // library's environment, which OpenSSL reads; that of .NET is a copy.
        _ = SetVariable("SSL_CERT_DIR", "/nonexistent", overwrite: 1);
        _ = SetVariable("SSL_CERT_FILE", "/nonexistent", overwrite: 1);
        return (stream, host) => BlockingTls.Secure(stream, host, settings);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
