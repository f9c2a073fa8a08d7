using System.Globalization;

namespace Sidecars.Core.Configuration;

/// <summary>What both planners share: writing settings over a base file while noting which of the user's they overrule.</summary>
internal sealed class ServerPlanner(RedisConfigDocument document)
{
    private readonly SortedSet<string> _overruled = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    public RedisConfigDocument Document => document;

    public void Decide(string name, params ReadOnlySpan<string> arguments)
    {
        if (document.Set(name, arguments)) _overruled.Add(name == "sentinel" ? $"sentinel {arguments[0]}" : name);
    }

    public void Drop(string name)
    {
        if (document.Remove(name) > 0) _overruled.Add(name);
    }

    public void Problem(string text) => _problems.Add(text);

    public void ListenOn(int port, TlsFiles? tls)
    {
        if (tls is null)
        {
            Decide("port", Number(port));
            Drop("tls-port");
            Drop("tls-replication");
            return;
        }

        Decide("port", "0");
        Decide("tls-port", Number(port));
        Decide("tls-ca-cert-file", tls.CaFile);
        Decide("tls-cert-file", tls.CertificateFile);
        Decide("tls-key-file", tls.KeyFile);
        Decide("tls-replication", "yes");
        // Identity is checked by ACL users; probes and people's tools then need no certificate of their own.
        document.SetDefault("tls-auth-clients", "optional");
    }

    /// <summary>In the foreground, log to stdout: the container's log is the log.</summary>
    public void RunInForeground()
    {
        Decide("daemonize", "no");
        Decide("logfile", "");
        // The password of the default user may be unset by choice; Redis would then refuse every other pod.
        document.SetDefault("protected-mode", "no");
    }

    /// <summary>What would stop the server, or open it unasked.</summary>
    public void CheckBase()
    {
        foreach (var line in document.MalformedLines) Problem($"line {Number(line)} of the base file: unbalanced quotes or a NUL byte");
        foreach (var include in document.Includes) Problem($"include {include}: not loaded, so that its settings are unknown");
    }

    /// <summary>
    /// Where the default user's password is a setting, its <c>user</c> line alone carries it (as a hash, two in a rotation); a
    /// <c>requirepass</c> beside it would be without effect. A default user that asks for a password while a service user
    /// has none would be a way around that password.
    /// </summary>
    /// <param name="access">The group's users.</param>
    /// <param name="defaultRules">The default user's rules in the base; null where it has none.</param>
    public void CheckDefaultUser(GroupAccess access, IEnumerable<string>? defaultRules)
    {
        if (access.Default is not null) Drop("requirepass");
        var defaultIsProtected = defaultRules is null ? document.Get("requirepass") is { Length: > 0 } : AclDocument.IsProtected(defaultRules);
        if (defaultIsProtected && access.HasOpenUser)
            Problem("the base file protects the default user, but a user of the group has no password: set the default user's password or one for each of replication, Sentinel and sidecar");
    }

    public ServerPlan Build(byte[]? aclFile = null) => new(document, aclFile, [.. _overruled], _problems);

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
