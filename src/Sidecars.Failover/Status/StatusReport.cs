using System.Collections.Immutable;

namespace Sidecars.Failover.Status;

/// <summary>How much a finding matters.</summary>
public enum FindingKind
{
    /// <summary>Good to know; the exit code stays 0.</summary>
    Note,

    /// <summary>Two sources disagree, or something that should be there is not: exit code 1.</summary>
    Disagreement,
}

/// <summary>One thing that a person should know.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Code">Stable, for scripts and tests.</param>
/// <param name="Text">What is seen.</param>
/// <param name="ToDo">What to do about it.</param>
public sealed record Finding(FindingKind Kind, string Code, string Text, string ToDo);

/// <summary>A Redis in one line. Words as they are shown; "-" is not known.</summary>
/// <param name="Address">In the group.</param>
/// <param name="Role">master, replica, or what stands in the way of knowing.</param>
/// <param name="Of">A replica's master.</param>
/// <param name="Link">A replica's link: up, down, syncing.</param>
/// <param name="Offset">Replication offset.</param>
/// <param name="Lag">Bytes behind the master that Sentinels name; null: not comparable.</param>
/// <param name="Writes">A master's: open, fenced, hand-over; null on a replica.</param>
/// <param name="Priority">replica-priority.</param>
/// <param name="Token">Of the marker beside it; null: another node's, or none.</param>
/// <param name="RunId">Its process.</param>
public sealed record NodeRow(string Address, string Role, string? Of, string? Link, long? Offset, long? Lag, string? Writes, int? Priority, string? Token, string? RunId);

/// <summary>A Sentinel in one line.</summary>
/// <param name="Address">Where.</param>
/// <param name="State">up, tilt, or why not.</param>
/// <param name="Master">Whom it names.</param>
/// <param name="Epoch">Config-epoch of that.</param>
/// <param name="Flags">As sent.</param>
/// <param name="Others">Other Sentinels that it knows.</param>
/// <param name="Replicas">Replicas that it knows.</param>
/// <param name="Id">Its id.</param>
public sealed record SentinelRow(string Address, string State, string? Master, long? Epoch, string? Flags, int? Others, int? Replicas, string? Id);

/// <summary>A source besides the servers in one line.</summary>
/// <param name="Name">record, zone-file, endpoint-slice, rescue, backup …</param>
/// <param name="Says">In words.</param>
public sealed record SourceRow(string Name, string Says);

/// <summary>The group at a glance.</summary>
public sealed record StatusReport
{
    /// <summary>The group.</summary>
    public required string Cluster { get; init; }

    /// <summary>Whom the Sentinels name together; null: nobody.</summary>
    public required string? Master { get; init; }

    /// <summary>What the Sentinels say together.</summary>
    public required string Summary { get; init; }

    /// <summary>Redis nodes, by address.</summary>
    public required ImmutableArray<NodeRow> Nodes { get; init; }

    /// <summary>Sentinels, by address.</summary>
    public required ImmutableArray<SentinelRow> Sentinels { get; init; }

    /// <summary>Everything else.</summary>
    public required ImmutableArray<SourceRow> Sources { get; init; }

    /// <summary>Disagreements first.</summary>
    public required ImmutableArray<Finding> Findings { get; init; }

    /// <summary>No disagreement.</summary>
    public bool IsHealthy => Findings.All(f => f.Kind == FindingKind.Note);
}
