namespace Sidecars.Probe;

/// <summary>The plain executable's half of the choice: no TLS here, so that it never pays for it. Sidecars.ProbeTls has the other.</summary>
internal static class ProbeSecurity
{
    /// <summary>Null: plain connections.</summary>
    public static Func<Stream, string, Stream>? Read(Func<string, string?> setting, List<string> errors)
    {
        if (setting("TLS_CA_FILE") is not null) errors.Add("TLS_CA_FILE is set; this executable has no TLS: call redis-probe-tls, with the same arguments");
        return null;
    }
}
