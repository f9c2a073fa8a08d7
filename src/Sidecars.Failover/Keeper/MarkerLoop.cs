using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Keeper;

/// <summary>Who a sidecar is.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Node">This pod.</param>
/// <param name="BootId">Of the machine or pod.</param>
/// <param name="SentinelCount">How many Sentinels there should be.</param>
/// <param name="Durability">As configured.</param>
public sealed record SidecarIdentity(ClusterId Cluster, NodeIdentity Node, string BootId, int SentinelCount, Durability Durability);

/// <summary>A marker that is on the disk, and the look that it was written from.</summary>
/// <param name="Marker">As written.</param>
/// <param name="Server">What the server said.</param>
/// <param name="Settled">What it had said at least <see cref="Marker.EarlierBy"/> before; null: its stream is younger, or it loads.</param>
/// <param name="Quorum">What the Sentinels said.</param>
/// <param name="Address">Where the group finds the server; null: not known yet.</param>
/// <param name="At">Timestamp of the write.</param>
public sealed record WrittenMarker(
    Marker Marker, ServerFacts Server, ServerFacts? Settled, SentinelQuorumDecision Quorum, RedisEndpoint? Address, long At);

/// <summary>
/// Keeps the marker on the disk beside the server, once a second from the first. It waits for nothing but that server's INFO and the
/// disk: what the Sentinels, the record and the resolver know is taken as it is at that moment, also where that is nothing. Not safe for
/// concurrent use.
/// </summary>
/// <param name="me">The group and this node.</param>
/// <param name="server">Asks the server and looks at its files.</param>
/// <param name="address">Where the group finds the server; null: not known yet.</param>
/// <param name="sentinels">The last view of the Sentinels.</param>
/// <param name="record">The last view of the group's record.</param>
/// <param name="markers">The disk.</param>
/// <param name="period">Between two markers; 1 s.</param>
/// <param name="problem">Told of what lasts: code and words.</param>
/// <param name="time">Its clock.</param>
public sealed class MarkerLoop(
    SidecarIdentity me,
    ServerClient server,
    Func<RedisEndpoint?> address,
    Func<IReadOnlyCollection<SentinelObservation>> sentinels,
    Func<GroupNames> record,
    MarkerStore markers,
    TimeSpan period,
    Action<string, string> problem,
    TimeProvider time)
{
    private readonly OffsetTrail<ServerFacts> _trail = new(time.TimestampFrequency);
    private string _stream = "";
    private WrittenMarker? _written;

    /// <summary>Raised after each marker.</summary>
    public Signal Changed { get; } = new();

    /// <summary>The marker as last written; null: not yet.</summary>
    public WrittenMarker? Written => Volatile.Read(ref _written);

    /// <summary>Looks and writes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await TickAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>One look; the marker that was written, null where the server did not answer or the disk took none.</summary>
    public async Task<Marker?> TickAsync(CancellationToken cancellation)
    {
        var facts = await server.ObserveAsync(cancellation).ConfigureAwait(false);
        if (facts is null) return null;
        var group = sentinels();
        var quorum = SentinelQuorumPolicy.Decide(group, me.SentinelCount);
        var own = address();

        // An offset means something within one stream of one process.
        var stream = facts.RunId + facts.Position.Id;
        if (stream != _stream) _trail.Clear();
        _stream = stream;
        var settled = facts.IsLoading ? null : _trail.Note(facts, time.GetTimestamp());

        var last = markers.Read();
        var before = last.IsKnown ? last.Value : null;
        var knowledge = Knowledge(facts, quorum, group, own);
        var marker = MarkerPlan.Next(before, me.Cluster, me.Node, me.BootId, facts, knowledge, settled?.Position.Offset) with
        {
            WrittenAt = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        };
        if (!markers.TryWrite(marker, out var fault))
        {
            problem("marker-not-written", fault.ToString());
            return null;
        }

        Volatile.Write(ref _written, new WrittenMarker(marker, facts, settled, quorum, own, time.GetTimestamp()));
        Changed.Raise();
        return marker;
    }

    private GroupKnowledge Knowledge(
        ServerFacts facts, SentinelQuorumDecision quorum, IReadOnlyCollection<SentinelObservation> group, RedisEndpoint? own)
    {
        var highest = group.OfType<SentinelObservation.Known>().Select(k => k.View.Master?.ConfigEpoch ?? 0)
            .Where(e => e <= EpochReading.MaxEpoch).DefaultIfEmpty(0).Max();
        var master = facts.Role == MarkerRole.Master ? own : facts.MasterAddress;
        if (master is null) return GroupKnowledge.None with { HighestEpoch = highest };
        var epoch = quorum is SentinelQuorumDecision.Agreed agreed && agreed.Address == master && agreed.Epoch <= highest
            ? agreed.Epoch
            : (long?)null;
        var names = record();
        var node = master == own ? me.Node : names.NodeAt(master);
        return new GroupKnowledge(epoch, highest, names.Term, node, names.Author(facts.Position.Id));
    }
}
