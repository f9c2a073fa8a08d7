using System.Collections.Immutable;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel;

/// <summary>
/// What one Sentinel said of one master name, read in one pipelined exchange, so that its parts belong together.
/// </summary>
public sealed record SentinelView
{
    /// <summary>The Sentinel's <c>myid</c>, 40 hex digits: its identity as a voter. Two answers with one id are one vote.</summary>
    public required string MyId { get; init; }

    /// <summary>True while the Sentinel distrusts its own clock (TILT): its addresses hold, its opinion of who is down does not.</summary>
    public bool Tilt { get; init; }

    /// <summary>The monitored master, or null where this Sentinel does not know the name.</summary>
    public SentinelMaster? Master { get; init; }

    /// <summary>Replicas that it knows of.</summary>
    public ImmutableArray<SentinelReplica> Replicas { get; init; } = [];

    /// <summary>Other Sentinels that it knows of, ghosts included.</summary>
    public ImmutableArray<SentinelPeer> Others { get; init; } = [];
}

/// <summary>A master as Sentinel sees it: <c>SENTINEL MASTER name</c>, with the address of <c>GET-MASTER-ADDR-BY-NAME</c>.</summary>
public sealed record SentinelMaster
{
    /// <summary>
    /// The address clients are sent to. During a failover this is the promoted replica already, while
    /// <c>SENTINEL MASTER</c> still shows the old one.
    /// </summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>
    /// The address that <c>SENTINEL MASTER</c> shows: who is being replaced while a failover runs, <see cref="Address"/> otherwise.
    /// Null: not shown or not resolved.
    /// </summary>
    public RedisEndpoint? Monitored { get; init; }

    /// <summary><c>failover-state</c> as sent (<c>wait_start</c>, <c>select_slave</c> …); empty while this Sentinel runs none.</summary>
    public string FailoverState { get; init => field = value ?? ""; } = ""; // null: a log that does not name it

    /// <summary>Run id of the process that Sentinel talks to; empty until its first INFO.</summary>
    public string RunId { get; init; } = "";

    /// <summary>Comma list as sent, e.g. <c>master,o_down,failover_in_progress</c>.</summary>
    public string Flags { get; init; } = "";

    /// <summary>The epoch of the configuration; greater wins between Sentinels.</summary>
    public long ConfigEpoch { get; init; }

    /// <summary>Sentinels that must agree for o_down.</summary>
    public int Quorum { get; init; }

    /// <summary>The role that the instance reported last.</summary>
    public string RoleReported { get; init; } = "";

    /// <summary>True while this Sentinel can't reach the master (its own opinion).</summary>
    public bool SubjectivelyDown => SentinelFlags.Has(Flags, SentinelFlags.SubjectivelyDown);

    /// <summary>True where the quorum agreed that it is down.</summary>
    public bool ObjectivelyDown => SentinelFlags.Has(Flags, SentinelFlags.ObjectivelyDown);

    /// <summary>True while a failover of this master runs on this Sentinel.</summary>
    public bool FailoverInProgress => SentinelFlags.Has(Flags, SentinelFlags.FailoverInProgress);

    /// <summary>True if the failover was requested by <c>SENTINEL FAILOVER</c>: it needs no votes.</summary>
    public bool FailoverForced => SentinelFlags.Has(Flags, SentinelFlags.FailoverForced);

    /// <summary>True where this Sentinel reaches it, it says that it is master, and nothing is being done to it.</summary>
    public bool Healthy => RoleReported == "master" && SentinelFlags.IsAlive(Flags, "master");
}

/// <summary>A replica as Sentinel sees it: an item of <c>SENTINEL REPLICAS name</c>.</summary>
public sealed record SentinelReplica
{
    /// <summary>Its announced address.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>Run id of the process; empty until its first INFO.</summary>
    public string RunId { get; init => field = value ?? ""; } = ""; // null: a log that does not name it

    /// <summary>Comma list as sent, e.g. <c>slave,s_down,disconnected</c>.</summary>
    public string Flags { get; init; } = "";

    /// <summary><c>replica-priority</c>; 0 is never promoted.</summary>
    public int Priority { get; init; }

    /// <summary>Replication offset at its last INFO.</summary>
    public long Offset { get; init; }

    /// <summary><c>ok</c> or <c>err</c>: its link to the master at its last INFO.</summary>
    public string MasterLinkStatus { get; init; } = "";

    /// <summary>True where Sentinel would take it into account for a promotion.</summary>
    public bool Promotable => Priority > 0 && !Down;

    /// <summary>True where this Sentinel, which runs a failover, has chosen it for the next master.</summary>
    public bool Chosen => SentinelFlags.Has(Flags, SentinelFlags.Promoted);

    /// <summary>True where this Sentinel can't reach it.</summary>
    public bool Down => SentinelFlags.IsDown(Flags);

    /// <summary>True where this Sentinel has no connection to it, and does not hold it for down (yet).</summary>
    public bool OnlyDisconnected =>
        Down && !SentinelFlags.Has(Flags, SentinelFlags.SubjectivelyDown) && !SentinelFlags.Has(Flags, SentinelFlags.ObjectivelyDown);

    /// <summary>True where this Sentinel reaches it, its link to the master is up, and nothing is being done to it.</summary>
    public bool Linked => MasterLinkStatus == "ok" && SentinelFlags.IsAlive(Flags, "slave");
}

/// <summary>Another Sentinel as one Sentinel sees it: an item of <c>SENTINEL SENTINELS name</c>.</summary>
public sealed record SentinelPeer
{
    /// <summary>Its announced address.</summary>
    public required RedisEndpoint Address { get; init; }

    /// <summary>Its <c>myid</c>.</summary>
    public required string MyId { get; init; }

    /// <summary>Comma list as sent.</summary>
    public string Flags { get; init; } = "";

    /// <summary>The epoch of the vote that it last gave this Sentinel (<c>voted-leader-epoch</c>); 0 where it gave none.</summary>
    public long VotedEpoch { get; init; }

    /// <summary>True where this Sentinel can't reach it.</summary>
    public bool Down => SentinelFlags.IsDown(Flags);

    /// <summary>True where this Sentinel reaches it, whatever that one thinks of a master.</summary>
    public bool Alive => SentinelFlags.IsAlive(Flags, "sentinel");
}
