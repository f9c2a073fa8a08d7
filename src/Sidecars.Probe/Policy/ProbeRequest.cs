using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>
/// The three probes of a container: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/.
/// </summary>
public enum ProbeKind
{
    /// <summary>Has it come up? Until it has, the other two are not asked.</summary>
    Startup,

    /// <summary>Is it alive? A no, repeated, kills the container.</summary>
    Liveness,

    /// <summary>Should clients be sent here?</summary>
    Readiness,
}

/// <summary>What the server is meant to be.</summary>
public enum ProbeTarget
{
    /// <summary>Not said: its reply to ROLE decides.</summary>
    Detect,

    /// <summary>A Redis, master or replica.</summary>
    Redis,

    /// <summary>A Sentinel.</summary>
    Sentinel,
}

/// <summary>What to ask, where, and within which limits. <c>ToString</c> prints no password.</summary>
public sealed class ProbeRequest
{
    /// <summary>Which probe.</summary>
    public required ProbeKind Kind { get; init; }

    /// <summary>What is meant to answer.</summary>
    public ProbeTarget Target { get; init; }

    /// <summary>The server, over TCP. An address touches no resolver.</summary>
    public required RedisEndpoint Endpoint { get; init; }

    /// <summary>Its Unix socket, used instead of <see cref="Endpoint"/>; null for none.</summary>
    public string? SocketPath { get; init; }

    /// <summary>Tried in order on the one connection; empty: no AUTH.</summary>
    public IReadOnlyList<RedisCredential> Credentials { get; init; } = [];

    /// <summary>
    /// Tried once where nothing was sent and the server wants a login: a service user that takes any password. Null: none.
    /// </summary>
    public RedisCredential? OpenCredential { get; init; }

    /// <summary>For everything together; default 900 ms, below the 1 s that is kubelet's smallest time-out.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMilliseconds(900);

    /// <summary>Name under which Sentinels monitor the master.</summary>
    public required string MasterName { get; init; }

    /// <summary>The Sentinels that may contradict; empty: nobody is asked.</summary>
    public IReadOnlyList<RedisEndpoint> Sentinels { get; init; } = [];

    /// <summary>How many Sentinels there should be; a majority of this number contradicts.</summary>
    public int SentinelCount { get; init; } = 3;

    /// <summary>Seconds since a replica's master was last heard, above which the replica is not ready.</summary>
    public int MaxLagSeconds { get; init; } = 15;

    /// <summary>The file in which redis-bootstrap says why it waits; null: none.</summary>
    public string? HeartbeatPath { get; init; }

    /// <summary>Other addresses that Sentinels may know this server by (POD_IP, ANNOUNCE_HOST).</summary>
    public IReadOnlyList<string> OwnHosts { get; init; } = [];

    /// <summary>What people should know besides, such as a password file that could not be read; "" for nothing. Holds no secret.</summary>
    public string Remark { get; init; } = "";

    /// <summary>
    /// Wraps a connected stream in TLS; null: plain. Brought in by the executable, so that the plain one contains no TLS.
    /// </summary>
    public Func<Stream, string, Stream>? Secure { get; init; }
}
