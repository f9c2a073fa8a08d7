using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Bootstrap.Backends;

/// <summary>What is known about a Lease's validity after an observation.</summary>
/// <param name="Holder">Pod UID of the holder; null where it is free.</param>
/// <param name="Remaining">How long it is still good for, by local observation; zero where it is free or expired.</param>
/// <param name="Duration">The validity that was counted with.</param>
public sealed record LeaseView(string? Holder, TimeSpan Remaining, TimeSpan Duration)
{
    /// <summary>True where somebody is named, but has not been seen to renew for a whole <see cref="Duration"/>.</summary>
    public bool Expired => Holder is not null && Remaining == TimeSpan.Zero;
}

/// <summary>
/// Judges a Lease as client-go's elector does: it is valid for its duration after its holder's part was last *seen to
/// change*, on the monotonic clock here. Its times are never compared with any clock, so a skew of hours means nothing; a
/// Lease seen for the first time counts from now, however old its renewTime looks. Pure: the timestamp is passed in.
/// Not safe for concurrent use.
/// </summary>
/// <remarks>
/// The holder's part is uid, holder, both times and transitions. resourceVersion is left out on purpose: candidates write
/// annotations of the same Lease while its holder is dead, and each such write would prolong the dead holder's term.
/// </remarks>
/// <param name="timestampFrequency">Timestamps a second, as <see cref="TimeProvider.TimestampFrequency"/>.</param>
/// <param name="fallback">The validity where the Lease names none, or one that is not positive.</param>
public sealed class LeaseTracker(long timestampFrequency, TimeSpan fallback)
{
    private (string? Uid, string? Holder, string? Renew, string? Acquire, int? Transitions)? _last;
    private long _changedAt;

    /// <summary>Takes in a Lease that was just read.</summary>
    /// <param name="lease">The Lease.</param>
    /// <param name="timestamp">
    /// Taken *after* the read answered (<see cref="TimeProvider.GetTimestamp"/>): counted from an earlier moment the
    /// validity could end before the holder believes it does.
    /// </param>
    public LeaseView Observe(LeaseDocument lease, long timestamp)
    {
        ArgumentNullException.ThrowIfNull(lease);
        var spec = lease.Spec;
        var now = (lease.Metadata?.Uid, spec?.HolderIdentity, spec?.RenewTime, spec?.AcquireTime, spec?.LeaseTransitions);
        if (_last != now)
        {
            _last = now;
            _changedAt = timestamp;
        }

        var duration = spec?.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : fallback;
        if (duration > GroupLeaseStore.MaxDuration) duration = GroupLeaseStore.MaxDuration;
        if (string.IsNullOrEmpty(spec?.HolderIdentity)) return new LeaseView(null, TimeSpan.Zero, duration);
        // A timestamp that runs backwards can only come from a caller's mix-up: no time has passed then.
        var elapsed = TimeSpan.FromSeconds(Math.Max(0, timestamp - _changedAt) / (double)timestampFrequency);
        return new LeaseView(spec.HolderIdentity, elapsed >= duration ? TimeSpan.Zero : duration - elapsed, duration);
    }

    /// <summary>Forgets what was seen: after a NotFound, so that a Lease that is recreated counts from its first sight.</summary>
    public void Forget() => _last = null;
}
