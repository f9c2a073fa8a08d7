using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>
/// What one probe saw. Immutable; every fact that is null is unknown (not asked, not answered, not permitted), and unknown is
/// never the same as contradicted.
/// </summary>
public sealed class ProbeFacts
{
    /// <summary>Where it asked, for people.</summary>
    public required string Peer { get; init; }

    /// <summary>Why there was no further reply; null: every question was answered.</summary>
    public RedisFailure? Failure { get; init; }

    /// <summary>The deadline, for people.</summary>
    public TimeSpan Deadline { get; init; }

    /// <summary>
    /// A refusal that a full or closing server sends before it reads anything, or the first error that is no reply to PING.
    /// </summary>
    public string? Pong { get; init; }

    /// <summary>The error that PING got (<c>LOADING …</c>), or that ended the connection; null: none, or not known.</summary>
    public string? PingError { get; init; }

    /// <summary>The server answers a malformed command at once while it lets PING wait.</summary>
    public bool IsPaused { get; init; }

    /// <summary>True where any whole RESP reply came.</summary>
    public bool Answered => Pong is not null || PingError is not null || IsPaused;

    /// <summary>What AUTH was refused with, by the last credential tried; null: accepted, or not sent.</summary>
    public string? LoginError { get; init; }

    /// <summary>ROLE.</summary>
    public RoleReply? Role { get; init; }

    /// <summary>INFO.</summary>
    public InfoReply? Info { get; init; }

    /// <summary>CONFIG GET <c>min-replicas-to-write</c>.</summary>
    public long? MinReplicasToWrite { get; init; }

    /// <summary>What the other Sentinels say of the master; null: not asked.</summary>
    public SentinelVotes? Votes { get; init; }

    /// <summary>What this Sentinel says of its own quorum: the text after OK; null: not OK, or unknown.</summary>
    public string? QuorumOk { get; init; }

    /// <summary>The error of SENTINEL CKQUORUM; null: none, or unknown.</summary>
    public string? QuorumError { get; init; }

    /// <summary>The master that this Sentinel names; null: none, or unknown.</summary>
    public string? NamedMaster { get; init; }

    /// <summary>Why redis-bootstrap waits, from a fresh heartbeat; null: none. Read only where nothing listens.</summary>
    public string? WaitReason { get; init; }

    /// <summary>For whom it waits; "" for nobody.</summary>
    public string WaitingFor { get; init; } = "";
}

/// <summary>
/// How the other Sentinels see it, one vote an id. Those that are not in any of the numbers gave no usable answer: unknown.
/// </summary>
public sealed class SentinelVotes
{
    /// <summary>How many there should be.</summary>
    public required int Expected { get; init; }

    /// <summary>Those that name the server itself (or, asked for a Sentinel, the same master).</summary>
    public required int Agreeing { get; init; }

    /// <summary>Those that name another.</summary>
    public required int Contradicting { get; init; }

    /// <summary>The last other one that was named; "" for none.</summary>
    public string Other { get; init; } = "";

    /// <summary>More than half of those there should be.</summary>
    public int Majority => (Expected / 2) + 1;

    /// <summary>True where a majority names another.</summary>
    public bool IsContradicted => Contradicting >= Majority;

    /// <summary>Describes them for people: <c>2 of 3 Sentinels agree</c>.</summary>
    public string Describe() =>
        $"{Digits.Of(Agreeing)} of {Digits.Of(Expected)} Sentinels agree"
        + (Contradicting > 0 ? $", {Digits.Of(Contradicting)} name {Other}" : "");
}
