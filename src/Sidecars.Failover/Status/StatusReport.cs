using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Status;

/// <summary>How much a finding matters.</summary>
public enum FindingKind
{
    /// <summary>Good to know; the exit code stays 0.</summary>
    [JsonStringEnumMemberName("note")]
    Note,

    /// <summary>Two sources disagree, or something that should be there is not: exit code 1.</summary>
    [JsonStringEnumMemberName("disagreement")]
    Disagreement,
}

/// <summary>One thing that a person should know.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Code">Stable, for scripts and tests; <c>manifests/docs/status.md</c> explains each.</param>
/// <param name="Because">Code of the finding that explains this one; null: a root cause.</param>
/// <param name="Subjects">Servers and places that it is about; none: the group.</param>
/// <param name="Text">What is seen, in words.</param>
/// <param name="ToDo">What to do about it, in words.</param>
public sealed record Finding(FindingKind Kind, string Code, string? Because, ImmutableArray<string> Subjects, string Text, string ToDo);

/// <summary>What the Sentinels say together.</summary>
/// <param name="Code"><c>agreed</c>, or the code of the finding that says why not.</param>
/// <param name="Master">Whom a majority names; null: nobody.</param>
/// <param name="Epoch">In which epoch.</param>
/// <param name="AnsweringSentinels">How many answer.</param>
/// <param name="NamingSentinels">How many name that master.</param>
/// <param name="NeededSentinels">How many make a majority.</param>
public sealed record QuorumRow(string Code, string? Master, long? Epoch, int AnsweringSentinels, int? NamingSentinels, int NeededSentinels);

/// <summary>What the group is configured with.</summary>
/// <param name="Redis">Redis nodes.</param>
/// <param name="Sentinels">Sentinels.</param>
/// <param name="MinReplicasToWrite">Replicas that a master needs to take writes.</param>
/// <param name="DownAfterMilliseconds">Sentinel's down-after.</param>
public sealed record ConfiguredRow(int Redis, int Sentinels, int MinReplicasToWrite, long DownAfterMilliseconds);

/// <summary>Why a node has not started its server yet.</summary>
/// <param name="Code">Stable.</param>
/// <param name="Reason">In words.</param>
/// <param name="WaitingFor">Pods, addresses, or what a person must bring.</param>
/// <param name="WaitedSeconds">How long with this code.</param>
public sealed record WaitRow(string Code, string Reason, ImmutableArray<string> WaitingFor, long WaitedSeconds);

/// <summary>A Redis. What is null is not known, or has no meaning for its role.</summary>
/// <param name="Address">In the group.</param>
/// <param name="State">
/// <c>up</c>, <c>loading</c>, <c>waiting</c>, <c>unreachable</c>, <c>timed-out</c>, <c>login-refused</c> or <c>unusable</c>.
/// </param>
public sealed record NodeRow(string Address, string State)
{
    /// <summary>More addresses that it was asked at.</summary>
    public IReadOnlyList<string>? OtherAddresses { get; init; }

    /// <summary><c>master</c> or <c>replica</c>.</summary>
    public string? Role { get; init; }

    /// <summary>A replica's master.</summary>
    public string? Follows { get; init; }

    /// <summary>A replica's link: <c>up</c>, <c>down</c> or <c>syncing</c>.</summary>
    public string? Link { get; init; }

    /// <summary>Replication offset.</summary>
    public long? OffsetBytes { get; init; }

    /// <summary>Behind the master that Sentinels name; null: not comparable.</summary>
    public long? LagBytes { get; init; }

    /// <summary>A master's: <c>open</c>, <c>refused</c>, <c>fenced</c> or <c>hand-over</c>.</summary>
    public string? Writes { get; init; }

    /// <summary>A master's replicas that are attached and in time.</summary>
    public int? ReplicasInSync { get; init; }

    /// <summary>min-replicas-to-write.</summary>
    public long? MinReplicasToWrite { get; init; }

    /// <summary>replica-priority.</summary>
    public int? Priority { get; init; }

    /// <summary>Over all databases.</summary>
    public long? Keys { get; init; }

    /// <summary>Of the marker beside it; null: another node's, or none.</summary>
    public FencingToken? Token { get; init; }

    /// <summary>Its process.</summary>
    public string? RunId { get; init; }

    /// <summary>What redis-bootstrap waits for there; null: another node's, or nothing.</summary>
    public WaitRow? Waiting { get; init; }

    /// <summary>Why nothing more is known, in words.</summary>
    public string? Why { get; init; }
}

/// <summary>A Sentinel.</summary>
/// <param name="Address">Where.</param>
/// <param name="State"><c>up</c>, <c>tilt</c>, <c>unreachable</c>, <c>timed-out</c>, <c>login-refused</c> or <c>unusable</c>.</param>
public sealed record SentinelRow(string Address, string State)
{
    /// <summary>More addresses that it was asked at.</summary>
    public IReadOnlyList<string>? OtherAddresses { get; init; }

    /// <summary>Whom it names.</summary>
    public string? Master { get; init; }

    /// <summary>Config-epoch of that.</summary>
    public long? Epoch { get; init; }

    /// <summary>Of that master, as sent.</summary>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>Other Sentinels that it lists.</summary>
    public int? OtherSentinels { get; init; }

    /// <summary>Replicas that it lists.</summary>
    public int? Replicas { get; init; }

    /// <summary>Of those, the ones that it reaches.</summary>
    public int? ReplicasUp { get; init; }

    /// <summary>Its id.</summary>
    public string? Id { get; init; }

    /// <summary>Why nothing more is known, in words.</summary>
    public string? Why { get; init; }
}

/// <summary>The group's record.</summary>
/// <param name="State"><c>read</c>, <c>unreadable</c> or <c>not-configured</c>.</param>
/// <param name="Term">Term.</param>
/// <param name="HighestEpoch">Highest epoch ever reported.</param>
/// <param name="ServedLast">Node that reported last that it serves.</param>
/// <param name="ServedAt">Its address.</param>
/// <param name="Token">Its token.</param>
/// <param name="Why">Why it was not read, in words.</param>
public sealed record RecordRow(
    string State, long? Term = null, long? HighestEpoch = null, string? ServedLast = null, string? ServedAt = null,
    FencingToken? Token = null, string? Why = null);

/// <summary>A place where the master is published.</summary>
/// <param name="Name"><c>zone-file</c>, <c>route53</c>, <c>dns-endpoint</c> or <c>endpoint-slice</c>.</param>
/// <param name="State"><c>published</c>, <c>empty</c>, <c>unreadable</c> or <c>not-configured</c>.</param>
/// <param name="Address">Whom it names.</param>
/// <param name="Token">With which token.</param>
/// <param name="Why">Why it was not read, in words.</param>
public sealed record PlaceRow(string Name, string State, string? Address = null, FencingToken? Token = null, string? Why = null);

/// <summary>A rescue copy on this node.</summary>
/// <param name="Name">Its folder.</param>
/// <param name="SizeBytes">Bytes.</param>
/// <param name="Reason">Why it was kept, in words.</param>
public sealed record RescueRow(string Name, long SizeBytes, string Reason);

/// <summary>The backup store.</summary>
/// <param name="State"><c>read</c>, <c>unreadable</c>, <c>not-looked-at</c> or <c>not-configured</c>.</param>
/// <param name="Backups">How many are listed; null: it was not read.</param>
/// <param name="LastId">The newest; null: none.</param>
/// <param name="LastAgeSeconds">Since it was completed.</param>
/// <param name="TailAgeSeconds">Since all that was written until then is in the store.</param>
/// <param name="DrillAgeSeconds">Since the last restore drill that passed.</param>
/// <param name="Why">Why it was not read, in words.</param>
public sealed record BackupRow(
    string State, int? Backups = null, string? LastId = null, long? LastAgeSeconds = null, long? TailAgeSeconds = null,
    long? DrillAgeSeconds = null, string? Why = null);

/// <summary>The group at a glance; as JSON it is what programs read: codes and numbers, and a text for people beside them.</summary>
public sealed record StatusReport
{
    /// <summary>Raised when a member changes its meaning or goes.</summary>
    public int Format { get; } = 2;

    /// <summary>When it was gathered, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The group.</summary>
    public required string Cluster { get; init; }

    /// <summary>No disagreement.</summary>
    [JsonPropertyName("healthy")]
    public bool IsHealthy => Findings.All(f => f.Kind == FindingKind.Note);

    /// <summary>Root causes first, each before what it explains; notes last.</summary>
    public required ImmutableArray<Finding> Findings { get; init; }

    /// <summary>What the Sentinels say together.</summary>
    public required QuorumRow Quorum { get; init; }

    /// <summary>What there should be.</summary>
    public required ConfiguredRow Configured { get; init; }

    /// <summary>Redis nodes, by address.</summary>
    public required ImmutableArray<NodeRow> Redis { get; init; }

    /// <summary>Sentinels, by address.</summary>
    public required ImmutableArray<SentinelRow> Sentinels { get; init; }

    /// <summary>The group's record.</summary>
    public required RecordRow Record { get; init; }

    /// <summary>Where the master is published.</summary>
    public required ImmutableArray<PlaceRow> Places { get; init; }

    /// <summary>On this node.</summary>
    public required ImmutableArray<RescueRow> Rescues { get; init; }

    /// <summary>The backup store.</summary>
    public required BackupRow Backup { get; init; }
}
