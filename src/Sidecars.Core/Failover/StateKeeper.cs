using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;

namespace Sidecars.Core.Failover;

/// <summary>Who a sidecar is, and where.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Node">This pod.</param>
/// <param name="BootId">Of the machine or pod.</param>
/// <param name="Address">The announced address of the server beside it.</param>
/// <param name="SentinelCount">How many Sentinels there should be.</param>
/// <param name="Durability">As configured.</param>
public sealed record SidecarIdentity(ClusterId Cluster, NodeIdentity Node, string BootId, RedisEndpoint Address, int SentinelCount, Durability Durability);

/// <summary>How often.</summary>
/// <param name="Marker">The marker; 1 s.</param>
/// <param name="Record">Reading the record, and renewing it while nothing is new; 30 s.</param>
public sealed record KeeperPeriods(TimeSpan Marker, TimeSpan Record)
{
    /// <summary>1 s and 30 s.</summary>
    public static KeeperPeriods Default { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
}

/// <summary>
/// Keeps what must outlive the server: its marker on the disk beside it, and, where it serves as master, the group's record. The
/// marker is durable before the record promises what it says. Without a record (the elector keeps none) only the marker is kept. Hosted by the failover sidecar, from its first moment and
/// whatever else is wrong. Not safe for concurrent use.
/// </summary>
public sealed class StateKeeper(
    SidecarIdentity me, ServerClient server, Func<CancellationToken, Task<IReadOnlyCollection<SentinelObservation>>> sentinels, MarkerStore markers, IGroupRecord? record, KeeperPeriods periods, Action<string, string> problem, TimeProvider time)
{
    private readonly OffsetTrail<ServerFacts> _trail = new(time.TimestampFrequency);
    private ServingReport? _reported;
    private long _reportedAt;
    private long _readAt;
    private ElectionView? _view;
    private string _stream = "";

    /// <summary>The marker as last written, and when (timestamp); null: not yet.</summary>
    public (Marker Marker, long At)? Written { get; private set; }

    /// <summary>The group's record as last read; null: not yet.</summary>
    public ElectionRecord? Record { get; private set; }

    /// <summary>Looks and writes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            await TickAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(periods.Marker, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One look; the marker that was written, null where the server did not answer or the disk took none.</summary>
    public async Task<Marker?> TickAsync(CancellationToken cancellation)
    {
        var groupTask = sentinels(cancellation);
        var facts = await server.ObserveAsync(cancellation).ConfigureAwait(false);
        var group = await groupTask.ConfigureAwait(false);
        if (facts is null) return null;
        var quorum = SentinelQuorumPolicy.Decide(group, me.SentinelCount);
        await ReadRecordAsync(cancellation).ConfigureAwait(false);

        // An offset means something within one stream of one process.
        var stream = facts.RunId + facts.Position.Id;
        if (stream != _stream) _trail.Clear();
        _stream = stream;
        var settled = facts.IsLoading ? null : _trail.Note(facts, time.GetTimestamp());

        var last = markers.Read();
        var marker = MarkerPlan.Next(last.IsKnown ? last.Value : null, me.Cluster, me.Node, me.BootId, facts, Knowledge(facts, quorum, group), settled?.Position.Offset) with
        {
            WrittenAt = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
        };
        if (!markers.TryWrite(marker, out var fault))
        {
            problem("marker-not-written", fault.ToString());
            return null;
        }

        Written = (marker, time.GetTimestamp());

        if (!facts.IsLoading) await ReportAsync(marker, settled, facts, quorum, cancellation).ConfigureAwait(false);
        return marker;
    }

    private async Task ReadRecordAsync(CancellationToken cancellation)
    {
        if (record is null || (_view is not null && time.GetElapsedTime(_readAt) < periods.Record)) return;
        switch (await record.ReadAsync(cancellation).ConfigureAwait(false))
        {
            case ElectionObservation.Known known: (_view, _readAt, Record) = (known.View, time.GetTimestamp(), known.View.Record); break;
            case ElectionObservation.Unavailable unavailable: problem("record-unavailable", unavailable.Why); break;
        }
    }

    private GroupKnowledge Knowledge(ServerFacts facts, SentinelQuorumDecision quorum, IReadOnlyCollection<SentinelObservation> group)
    {
        var highest = group.OfType<SentinelObservation.Known>().Select(k => k.View.Master?.ConfigEpoch ?? 0).DefaultIfEmpty(0).Max();
        var master = facts.Role == MarkerRole.Master ? me.Address : facts.MasterAddress;
        if (master is null) return GroupKnowledge.None with { HighestEpoch = highest };
        var epoch = quorum is SentinelQuorumDecision.Agreed agreed && agreed.Address == master ? agreed.Epoch : (long?)null;
        var author = _view?.Record.History.FirstOrDefault(e => e.Id == facts.Position.Id)?.Master;
        return new GroupKnowledge(epoch, highest, _view?.Record.Term ?? 0, NodeAt(master), author);
    }

    private NodeIdentity? NodeAt(RedisEndpoint address)
    {
        if (address == me.Address) return me.Node;
        if (_view is null) return null;
        if (_view.Evidence.LastOrDefault(e => e.Address == address) is { } evidence) return new NodeIdentity(evidence.Node, evidence.Uid);
        return _view.Record.LastServing is { } last && last.Address == address ? new NodeIdentity(last.Node, last.Uid) : null;
    }

    private async Task ReportAsync(Marker marker, ServerFacts? settled, ServerFacts facts, SentinelQuorumDecision quorum, CancellationToken cancellation)
    {
        if (record is null) return;
        var chosen = _view?.Record is { } r && ((r.Candidate == me.Node.Name && r.CandidateAddress == me.Address) || (r.Candidate is null && r.LastServing?.Node == me.Node.Name));
        var isNamed = quorum switch
        {
            SentinelQuorumDecision.Agreed agreed => agreed.Address == me.Address,
            SentinelQuorumDecision.NoMajority or SentinelQuorumDecision.NoMaster => chosen,
            _ => false,
        };
        // In sync now, with what was acknowledged a while ago.
        var online = facts.Replicas.Where(n => n.State == "online" && n.LagSeconds is <= 2)
            .Select(n => n with { Offset = settled?.Replicas.FirstOrDefault(o => o.Endpoint == n.Endpoint)?.Offset ?? 0 }).ToList();
        if (ServingReportPlan.Calculate(marker, me.Address, isNamed, online, NodeAt, me.Durability) is not { } report) return;
        if (!ServingReportPlan.IsNews(_reported, report) && time.GetElapsedTime(_reportedAt) < periods.Record) return;
        switch (await record.ReportAsync(report, cancellation).ConfigureAwait(false))
        {
            case ClaimOutcome.Won: (_reported, _reportedAt, _view) = (report, time.GetTimestamp(), null); break;
            case ClaimOutcome.Lost lost: problem("report-refused", lost.Why); break;
            case ClaimOutcome.Unavailable unavailable: problem("record-unavailable", unavailable.Why); break;
        }
    }
}
