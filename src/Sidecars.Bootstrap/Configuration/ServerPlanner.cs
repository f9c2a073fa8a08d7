using System.Globalization;
using System.Net;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Configuration;

/// <summary>What both planners share: writing settings over a base file while noting which of the user's they overrule.</summary>
internal sealed class ServerPlanner(RedisConfigDocument document)
{
    // ::1 alone would not do: the default of REDIS_HOST is 127.0.0.1, and Redis binds IPv6 addresses for IPv6 alone.
    private const string OptionalLoopback = "-127.0.0.1";
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

    /// <summary>
    /// Addresses of the base file's <c>bind</c>. Sidecars and probes of the pod connect by loopback, which is added where it is left out;
    /// where loopback is all there is, no other node could connect.
    /// </summary>
    public void KeepReachable(RedisEndpoint announce)
    {
        if (document.All("bind").LastOrDefault() is not { Count: > 0 } line) return;
        string[] written = [.. Enumerable.Range(0, line.Count).Select(line.Text)];
        // a dash: no mistake where the machine has no such address
        string[] addresses = [.. written.Select(address => address.TrimStart('-'))];
        var hasLoopback = addresses.Any(address => address is "*" or "0.0.0.0" || IsLoopback(address));
        if (addresses.All(IsLoopback) && !IsLoopback(announce.Host))
            Problem($"bind {string.Join(' ', written)}: no other node can connect to {announce}; leave the line out, or write bind * -::*");
        else if (!hasLoopback)
            Decide("bind", [.. written, OptionalLoopback]);
    }

    private static bool IsLoopback(string address) =>
        address == "localhost" || (IPAddress.TryParse(address, out var ip) && IPAddress.IsLoopback(ip));

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
        var defaultIsProtected =
            defaultRules is null ? document.Get("requirepass") is { Length: > 0 } : AclDocument.IsProtected(defaultRules);
        if (defaultIsProtected && access.HasOpenUser)
            Problem("the base file protects the default user, but a user of the group has no password: "
                + "set the default user's password or one for each of replication, Sentinel and sidecar");
    }

    public ServerPlan Build(byte[]? aclFile = null) => new(document, aclFile, [.. _overruled], _problems);

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
