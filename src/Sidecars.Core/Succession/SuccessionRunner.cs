using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Succession;

/// <summary>What came of it. Closed.</summary>
public abstract record SuccessionOutcome
{
    private SuccessionOutcome(string code, string reason) => (Code, Reason) = (code, reason);

    /// <summary>Stable.</summary>
    public string Code { get; }

    /// <summary>In words.</summary>
    public string Reason { get; }

    /// <summary>The highest epoch that was met: the next attempt starts above it.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>A majority of the Sentinels names the target.</summary>
    public sealed record Succeeded(string Reason) : SuccessionOutcome("told", Reason);

    /// <summary>It is promoted, or may be, and a majority has not confirmed it: only forward from here, with the same target.</summary>
    public sealed record Unconfirmed(string Reason) : SuccessionOutcome("told-unconfirmed", Reason);

    /// <summary>Nothing is changed.</summary>
    /// <param name="Code">Stable.</param>
    /// <param name="Reason">In words.</param>
    /// <param name="IsLasting">Another attempt comes to the same: a fallback is due.</param>
    public sealed record NotBegun(string Code, string Reason, bool IsLasting = false) : SuccessionOutcome(Code, Reason);
}

/// <summary>
/// Carries a succession out: win an epoch by the Sentinels' vote, promote, tell all Sentinels and have the other replicas follow. IO only;
/// who succeeds is <see cref="SuccessionPolicy"/>'s.
/// </summary>
/// <param name="leadership">Votes and announcements.</param>
/// <param name="transport">To any server.</param>
/// <param name="options">Credentials and deadlines.</param>
public sealed class SuccessionRunner(
    SentinelLeadership leadership, Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options)
{
    private static readonly RespCommand Info = RespCommand.Of("INFO", "server", "replication");

    /// <summary>Runs it once; never throws for what a server does.</summary>
    /// <param name="plan">Who succeeds whom.</param>
    /// <param name="sentinels">Addresses of the Sentinels.</param>
    /// <param name="sentinelCount">Their configured number.</param>
    /// <param name="learntEpoch">The highest epoch that an earlier attempt met.</param>
    /// <param name="cancellation">Ends it, however far it is.</param>
    public async Task<SuccessionOutcome> RunAsync(
        SuccessionPlan plan, IReadOnlyCollection<RedisEndpoint> sentinels, int sentinelCount, long learntEpoch,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var target = plan.Target;
        var (opened, why) = await OpenAsync(target, cancellation).ConfigureAwait(false);
        if (opened is null) return new SuccessionOutcome.NotBegun("target-gone", why) { HighestEpoch = learntEpoch };
        await using (opened.Client.ConfigureAwait(false))
        {
            var wasMaster = opened.Info.IsMaster == true;
            if (!wasMaster && opened.Info.ReplicaPriority == 0) return Terminating(learntEpoch);
            var request = new LeadershipRequest(target.Address, plan.Master, sentinelCount) { LearntEpoch = learntEpoch };
            var outcome = await leadership.WinAsync(request, sentinels, cancellation).ConfigureAwait(false);
            if (outcome is not LeadershipOutcome.Won won)
            {
                var isLasting = outcome is LeadershipOutcome.Refused { IsLasting: true };
                return new SuccessionOutcome.NotBegun(outcome.Code, outcome.Reason, isLasting) { HighestEpoch = outcome.HighestEpoch };
            }

            try
            {
                var replies = await opened.Client.PipelineAsync(
                    [RespCommand.Of("REPLICAOF", "NO", "ONE"), RespCommand.Of("CONFIG", "GET", "replica-priority")], cancellation)
                    .ConfigureAwait(false);
                if (replies[0].IsError)
                    return new SuccessionOutcome.NotBegun("promotion-refused", $"{target.Address}: {replies[0].Text}")
                    { HighestEpoch = won.Epoch };
                // Priority 0: either the preStop hook had set it before the promotion, or it will see that this server is master and hand
                // over itself. Only what this attempt has promoted is taken back: then nobody was told.
                if (!wasMaster && new ConfigReply(replies[1]).Priority == 0
                    && !(await opened.Client.CallAsync(cancellation, Follow(plan.Master)).ConfigureAwait(false)).IsError)
                    return Terminating(won.Epoch);
            }
            catch (RedisConnectionException e)
            {
                return new SuccessionOutcome.Unconfirmed($"{target.Address} may have been promoted: {e.Message}")
                { HighestEpoch = won.Epoch };
            }

            var repointed = Task.WhenAll(plan.Others.Select(o => FollowAsync(o, target.Address, cancellation)));
            var told = await leadership.AnnounceAsync(request, won, cancellation).ConfigureAwait(false);
            await repointed.ConfigureAwait(false);
            var reason = $"{target.Address} is promoted; {told.Reason}";
            return told is LeadershipOutcome.Confirmed
                ? new SuccessionOutcome.Succeeded(reason) { HighestEpoch = told.HighestEpoch }
                : new SuccessionOutcome.Unconfirmed(reason) { HighestEpoch = told.HighestEpoch };
        }

        SuccessionOutcome.NotBegun Terminating(long epoch) =>
            new("target-terminates", $"{target.Address} has replica-priority 0 by now: its container is terminating")
            { HighestEpoch = epoch };
    }

    // Sentinel would do it too, seconds later; until then the new master may accept no writes (min-replicas-to-write).
    private async Task FollowAsync(SuccessionNode replica, RedisEndpoint master, CancellationToken cancellation)
    {
        var (opened, _) = await OpenAsync(replica, cancellation).ConfigureAwait(false);
        if (opened is null) return;
        await using (opened.Client.ConfigureAwait(false))
        {
            try
            {
                _ = await opened.Client.CallAsync(cancellation, Follow(master)).ConfigureAwait(false);
            }
            catch (RedisConnectionException)
            {
                // Sentinel's turn.
            }
        }
    }

    private static string[] Follow(RedisEndpoint master) =>
        ["REPLICAOF", master.Host, master.Port.ToString(CultureInfo.InvariantCulture)];

    private async Task<(ProcessConnection? Opened, string Why)> OpenAsync(SuccessionNode node, CancellationToken cancellation) =>
        await ProcessConnection.OpenAsync(transport(node.Endpoint), options, node.RunId, Info, [], cancellation).ConfigureAwait(false);
}
