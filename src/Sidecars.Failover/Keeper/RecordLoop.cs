using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Retries;

namespace Sidecars.Failover.Keeper;

/// <summary>
/// Reads the group's record, and writes what the server beside it serves, where that is master: at once what is new, offsets with the
/// renewal. It reports only what is in a marker on the disk already, so that the record never promises more. A record that is away is
/// asked ever more rarely, and delays no marker. Not safe for concurrent use.
/// </summary>
/// <param name="me">The node whose server it reports.</param>
/// <param name="markers">What is on the disk.</param>
/// <param name="record">The record.</param>
/// <param name="period">Between two reads, and two reports while nothing is new; 30 s.</param>
/// <param name="problem">Told of what lasts: code and words.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter of the pauses between calls that fail.</param>
public sealed class RecordLoop(
    SidecarIdentity me, MarkerLoop markers, IGroupRecord record, TimeSpan period, Action<string, string> problem, TimeProvider time,
    Func<double> random)
{
    // A report says who serves and who is in sync now: from a look that is older it would be a claim about the past.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private readonly RetryPipeline _retries =
        new(new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30))), time, random);

    // The record answers and refuses: another wrote first, or it says something later. What is new is offered at once.
    private readonly RetryPause _refusing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)), time, random);
    private readonly Signal _asked = new();
    private ServingReport? _refused;
    private ServingReport? _reported;
    private long _reportedAt;
    private long _readAt;
    private bool _isRead;
    private int _isAsked;
    private ElectionView? _view;

    /// <summary>The group's record as last read; null: not yet.</summary>
    public ElectionRecord? Record => Volatile.Read(ref _view)?.Record;

    /// <summary>What it says of nodes and streams.</summary>
    public GroupNames Names => Volatile.Read(ref _view) is { } view ? new GroupNames(view) : GroupNames.None;

    /// <summary>Raised when a later term has been read.</summary>
    public Signal TermRaised { get; } = new();

    /// <summary>Has the record read now, not at its next turn; where reads fail, after their pause. Safe for concurrent use.</summary>
    public void ReadSoon()
    {
        Volatile.Write(ref _isAsked, 1);
        _asked.Raise();
    }

    /// <summary>Reads and writes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(markers.Changed, _asked);
            // After a failure the pause is kept to, whatever is new.
            await _retries.RunAsync(RoundAsync, cancellation).ConfigureAwait(false);
            await next.WaitAsync(period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Does what is due; null: the record answered.</summary>
    public async Task<FailedTry?> RoundAsync(CancellationToken cancellation)
    {
        if (await ReadAsync(cancellation).ConfigureAwait(false) is { } unread) return unread;
        if (markers.Written is not { Server.IsLoading: false, Address: { } address } written || time.GetElapsedTime(written.At) > Fresh)
            return null;
        var names = Names;
        var isNamed = IsNamed(written.Quorum, address);
        if (ServingReportPlan.Calculate(written.Marker, address, isNamed, InSync(written), At, me.Durability) is not { } report)
            return null;
        if (!ServingReportPlan.IsNews(_reported, report) && time.GetElapsedTime(_reportedAt) < period) return null;
        if (_refusing.Left > TimeSpan.Zero && !ServingReportPlan.IsNews(_refused, report)) return null;
        switch (await record.ReportAsync(report, cancellation).ConfigureAwait(false))
        {
            case ClaimOutcome.Won:
                // Read again: others wrote as well.
                (_reported, _reportedAt, _isRead) = (report, time.GetTimestamp(), false);
                _refusing.Succeeded();
                break;
            case ClaimOutcome.Lost lost:
                // Its term, which the next marker takes over, may be a later one.
                (_refused, _isRead) = (report, false);
                problem("report-refused", lost.Why);
                _refusing.Failed();
                break;
            case ClaimOutcome.Unavailable unavailable:
                return Failed(unavailable.Why);
        }

        return null;

        NodeIdentity? At(RedisEndpoint endpoint) => endpoint == address ? me.Node : names.NodeAt(endpoint);
    }

    private async Task<FailedTry?> ReadAsync(CancellationToken cancellation)
    {
        var isAsked = Interlocked.Exchange(ref _isAsked, 0) == 1;
        if (_isRead && !isAsked && time.GetElapsedTime(_readAt) < period) return null;
        switch (await record.ReadAsync(cancellation).ConfigureAwait(false))
        {
            case ElectionObservation.Known known:
                var before = Record?.Term ?? 0;
                Volatile.Write(ref _view, known.View);
                (_isRead, _readAt) = (true, time.GetTimestamp());
                if (known.View.Record.Term > before) TermRaised.Raise();
                return null;
            case ElectionObservation.Unavailable unavailable:
                if (isAsked) Volatile.Write(ref _isAsked, 1); // it is still to be read, at the next try
                return Failed(unavailable.Why);
            case var other:
                throw new InvalidOperationException($"unknown outcome {other}");
        }
    }

    private FailedTry Failed(string why)
    {
        problem("record-unavailable", why);
        return new FailedTry();
    }

    private bool IsNamed(SentinelQuorumDecision quorum, RedisEndpoint address) => quorum switch
    {
        SentinelQuorumDecision.Agreed agreed => agreed.Address == address,
        // Nobody is named: whom the record's election chose, or who served last.
        SentinelQuorumDecision.NoMajority or SentinelQuorumDecision.NoMaster => Record is { } r
            && (r.Candidate is null ? r.LastServing?.Node == me.Node.Name : r.Candidate == me.Node.Name && r.CandidateAddress == address),
        _ => false,
    };

    // In sync now, with what was acknowledged a while ago.
    private static List<InfoReplica> InSync(WrittenMarker written) =>
    [
        .. written.Server.Replicas.Where(n => n.State == "online" && n.LagSeconds is <= 2)
            .Select(n => n with { Offset = written.Settled?.Replicas.FirstOrDefault(o => o.Endpoint == n.Endpoint)?.Offset ?? 0 }),
    ];
}
