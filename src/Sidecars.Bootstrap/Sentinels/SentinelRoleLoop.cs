using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Sentinels;

/// <summary>
/// Gather and decide until it is known which master this Sentinel is to monitor. Rules: <see cref="MonitorSelectionPolicy"/>.
/// </summary>
/// <param name="observer">Looks at the group.</param>
/// <param name="me">My own announced address, which is not asked.</param>
/// <param name="redisCount">Configured number of Redis nodes.</param>
/// <param name="sentinelCount">Configured number of Sentinels.</param>
/// <param name="remembered">From this Sentinel's own earlier configuration file, if any.</param>
/// <param name="epochs">Where the group keeps its highest epoch; null where nowhere.</param>
/// <param name="reporter">Logs changes, keeps the heartbeat.</param>
/// <param name="pacer">Waits between rounds.</param>
internal sealed class SentinelRoleLoop(
    GroupObserver observer, RedisEndpoint me, int redisCount, int sentinelCount, RememberedMaster? remembered, IEpochStore? epochs,
    DecisionReporter reporter, RoundPacer pacer)
{
    // A Sentinel may wait for a Redis for hours; the store may be everybody's API server.
    private const int RoundsPerRead = 5;

    public async Task<MonitorDecision.Monitor> RunAsync(CancellationToken cancellation)
    {
        EpochReading? kept = null;
        for (var round = 0; ; round++)
        {
            var reading = epochs is not null && round % RoundsPerRead == 0 ? epochs.ReadAsync(cancellation) : null;
            var group = await observer.ObserveAsync(exceptSentinel: me, exceptNode: null, cancellation).ConfigureAwait(false);
            if (reading is not null) kept = await reading.ConfigureAwait(false);
            var snapshot = new MonitorSnapshot
            {
                RedisCount = redisCount,
                SentinelCount = sentinelCount,
                Sentinels = group.Sentinels,
                Nodes = group.Nodes,
                Remembered = remembered,
                KeptEpoch = kept,
            };
            var decision = MonitorSelectionPolicy.Decide(snapshot);
            if (decision is MonitorDecision.Monitor && epochs is not null && reading is null)
            {
                // What is acted on was read in this round.
                snapshot = snapshot with { KeptEpoch = kept = await epochs.ReadAsync(cancellation).ConfigureAwait(false) };
                decision = MonitorSelectionPolicy.Decide(snapshot);
            }

            var changed = reporter.Report(decision, snapshot);
            if (decision is MonitorDecision.Monitor monitor) return monitor with { HighestVote = HighestVote(snapshot) };
            await pacer.WaitAsync(changed, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// In which epoch this Sentinel may have voted before its state was lost: the peers say in which each of them last voted for a
    /// Sentinel, and a coordinator's votes are at most one attempt above what is known. 0: no peer answers.
    /// </summary>
    internal static long HighestVote(MonitorSnapshot snapshot)
    {
        var known = snapshot.Sentinels.OfType<SentinelObservation.Known>().Select(k => k.View).ToList();
        return known.Count == 0 ? 0 : LeadershipPolicy.EpochsOfAnAttempt + known
            .SelectMany(v => v.Others.Select(o => o.VotedEpoch).Append(v.Master?.ConfigEpoch ?? 0))
            .Where(epoch => epoch < LeadershipPolicy.EpochLimit).DefaultIfEmpty(0).Max();
    }
}
