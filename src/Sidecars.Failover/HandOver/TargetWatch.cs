using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>Whether the promoted target has been gone for long enough to go back. One look a call at most every 200 ms; IO only.</summary>
internal sealed class TargetWatch(HandOverGroup group, StepDownPlan plan, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);
    private long? _goneSince;
    private long? _lastLook;

    /// <summary>True once nothing could be connected to there, or another process answered, for <see cref="HandOverLimits.TargetGoneAfter"/>.</summary>
    public async Task<bool> IsGoneAsync()
    {
        var now = time.GetTimestamp();
        if (_lastLook is null || time.GetElapsedTime(_lastLook.Value, now) >= Period)
        {
            _lastLook = now;
            var seen = await group.Nodes.ObserveAsync(plan.TargetEndpoint, default).ConfigureAwait(false);
            var gone = seen is NodeObservation.Unreachable || (seen is NodeObservation.Known known && known.View.RunId != plan.TargetRunId);
            _goneSince = gone ? _goneSince ?? now : null;
        }

        return _goneSince is { } since && time.GetElapsedTime(since) >= HandOverLimits.TargetGoneAfter;
    }
}
