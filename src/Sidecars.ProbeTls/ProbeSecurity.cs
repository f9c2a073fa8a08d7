using Sidecars.Core.Redis;

namespace Sidecars.Probe;

/// <summary>The other half of the choice: TLS where TLS_CA_FILE is set.</summary>
internal static class ProbeSecurity
{
    /// <summary>Null: plain connections.</summary>
    public static Func<Stream, string, Stream>? Read(Func<string, string?> setting, List<string> errors)
    {
        var (ca, certificate, key) = (setting("TLS_CA_FILE"), setting("TLS_CERT_FILE"), setting("TLS_KEY_FILE"));
        if (ca is null && certificate is null && key is null) return null;
        if (ca is null || certificate is null != key is null) errors.Add("TLS_CERT_FILE and TLS_KEY_FILE go together, and with TLS_CA_FILE");
        var settings = new TlsSettings { CaFile = ca ?? "", CertificateFile = certificate, KeyFile = key, ServerName = setting("TLS_SERVER_NAME") };
        return (stream, host) => BlockingTls.Secure(stream, host, settings);
    }
}
