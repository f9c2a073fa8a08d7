using System.Diagnostics.CodeAnalysis;

namespace Sidecars.Core.Primitives;

/// <summary>
/// The identity of one tenant's group, by convention <c>namespace/name</c>. It is part of the Sentinel master name and of
/// the ACL users that replication, Sentinel and sidecars log in with, so that Redis itself refuses a node of another
/// group at every reconnect.
/// </summary>
public sealed record ClusterId
{
    /// <summary>Longest accepted id: two Kubernetes names (63 + 63) and the slash, rounded up.</summary>
    public const int MaxLength = 128;

    private ClusterId(string value) => Value = value;

    /// <summary>The id as configured.</summary>
    public string Value { get; }

    /// <summary>
    /// The default Sentinel master name: the id with its slash as a dot, since Sentinel documents <c>A-z 0-9 . - _</c> only.
    /// No two ids share one: a Kubernetes namespace holds no dot.
    /// </summary>
    public string MasterName => Value.Replace('/', '.');

    /// <summary>ACL user that replicas log in to their master with.</summary>
    public string ReplicationUser => "repl-" + Value;

    /// <summary>ACL user that Sentinels log in with, to Redis and to each other.</summary>
    public string SentinelUser => "sentinel-" + Value;

    /// <summary>ACL user that the sidecars (bootstrap, failover, backup, probe) log in with, to Redis and to Sentinel.</summary>
    public string SidecarUser => "sidecar-" + Value;

    /// <summary>Reads an id: 1..128 of <c>a-z A-Z 0-9 . _ -</c>, with at most one <c>/</c> that is neither first nor last.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ClusterId? id)
    {
        id = null;
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength) return false;
        if (!text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/')) return false;
        if (text.Count(c => c == '/') > 1 || text[0] == '/' || text[^1] == '/') return false;
        id = new ClusterId(text);
        return true;
    }

    /// <summary>The id as configured.</summary>
    public override string ToString() => Value;
}
