namespace Sidecars.Core.Kubernetes;

/// <summary>What reading the Lease again says about a write of ours, or about what we believe to hold.</summary>
public abstract record LeaseOutcome
{
    private LeaseOutcome()
    {
    }

    /// <summary>We are the holder.</summary>
    /// <param name="Landed">True where the Lease has what we tried to write; false where an older state of ours stands.</param>
    public sealed record StillHeld(bool Landed) : LeaseOutcome;

    /// <summary>The Lease does not exist, or is being deleted: recreate it with the highest term found anywhere, plus one.</summary>
    public sealed record Missing : LeaseOutcome;

    /// <summary>Somebody else holds it, or nobody.</summary>
    /// <param name="Holder">Pod UID; null where the Lease is free.</param>
    public sealed record Preempted(string? Holder) : LeaseOutcome;

    /// <summary>Nothing is known. This alone neither ends nor prolongs what we hold.</summary>
    public sealed record Unverifiable(KubernetesFailure Failure) : LeaseOutcome;
}

/// <summary>What to do about the Lease now.</summary>
public abstract record LeaseDecision
{
    private LeaseDecision(string reason) => Reason = reason;

    /// <summary>Why, for the log.</summary>
    public string Reason { get; }

    /// <summary>Write it with us as holder.</summary>
    public sealed record Acquire : LeaseDecision
    {
        internal Acquire(string reason, bool create)
            : base(reason) => Create = create;

        /// <summary>True where the Lease does not exist: the term must exceed every term known elsewhere.</summary>
        public bool Create { get; }
    }

    /// <summary>We hold it: write a new renewTime.</summary>
    public sealed record Renew : LeaseDecision
    {
        internal Renew(string reason)
            : base(reason)
        {
        }
    }

    /// <summary>Look again later.</summary>
    public sealed record Wait : LeaseDecision
    {
        internal Wait(string reason, TimeSpan? atLeast)
            : base(reason) => AtLeast = atLeast;

        /// <summary>Not before this; null: the loop's own period or back-off.</summary>
        public TimeSpan? AtLeast { get; }
    }

    /// <summary>Waiting alone does not help: a person must change the Role, the manifest or the object.</summary>
    public sealed record Refuse : LeaseDecision
    {
        internal Refuse(string reason)
            : base(reason)
        {
        }
    }
}

/// <summary>The rules of holding a Lease. Pure: facts in, a closed set of decisions out.</summary>
public static class LeasePolicy
{
    /// <summary>Judges what was read after a write whose outcome is not known, or after a conflict.</summary>
    /// <param name="read">The Lease as it is now.</param>
    /// <param name="podUid">Our identity.</param>
    /// <param name="attempted">What we tried to write; null where the question is only who holds it.</param>
    public static LeaseOutcome Classify(KubernetesRead<LeaseDocument> read, string podUid, LeaseDocument? attempted = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(podUid);
        switch (read)
        {
            case KubernetesRead<LeaseDocument>.Failed { Failure: KubernetesFailure.NotFound }:
            case KubernetesRead<LeaseDocument>.Found { Document.Metadata.DeletionTimestamp: not null }:
                return new LeaseOutcome.Missing();
            case KubernetesRead<LeaseDocument>.Failed failed:
                return new LeaseOutcome.Unverifiable(failed.Failure);
            case KubernetesRead<LeaseDocument>.Found found:
                var holder = found.Document.Spec?.HolderIdentity;
                return holder == podUid
                    ? new LeaseOutcome.StillHeld(attempted is null || Landed(found.Document, attempted))
                    : new LeaseOutcome.Preempted(string.IsNullOrEmpty(holder) ? null : holder);
            default:
                throw new ArgumentOutOfRangeException(nameof(read));
        }
    }

    /// <summary>Chooses the next step.</summary>
    /// <param name="read">The Lease as it was just read.</param>
    /// <param name="view">The tracker's judgement of it; needed where it was found.</param>
    /// <param name="podUid">Our identity.</param>
    public static LeaseDecision Decide(KubernetesRead<LeaseDocument> read, LeaseView? view, string podUid)
    {
        ArgumentException.ThrowIfNullOrEmpty(podUid);
        return read switch
        {
            KubernetesRead<LeaseDocument>.Failed failed => OfFailure(failed.Failure),
            KubernetesRead<LeaseDocument>.Found { Document.Metadata.DeletionTimestamp: not null } =>
                new LeaseDecision.Wait("the Lease is being deleted", null),
            KubernetesRead<LeaseDocument>.Found found => OfLease(found.Document.Spec?.HolderIdentity, view, podUid),
            _ => throw new ArgumentOutOfRangeException(nameof(read)),
        };
    }

    private static LeaseDecision OfLease(string? holder, LeaseView? view, string podUid)
    {
        if (string.IsNullOrEmpty(holder)) return new LeaseDecision.Acquire("the Lease is free", create: false);
        if (holder == podUid) return new LeaseDecision.Renew("we hold the Lease");
        if (view?.Holder != holder) return new LeaseDecision.Wait($"held by {holder}, not observed yet", null);
        return view.Expired
            ? new LeaseDecision.Acquire($"{holder} was not seen to renew for {view.Duration.TotalSeconds:0} s", create: false)
            : new LeaseDecision.Wait($"held by {holder}", view.Remaining);
    }

    private static LeaseDecision OfFailure(KubernetesFailure failure) => failure switch
    {
        KubernetesFailure.NotFound => new LeaseDecision.Acquire("the Lease does not exist", create: true),
        KubernetesFailure.Throttled throttled => new LeaseDecision.Wait($"throttled: {throttled.Message}", throttled.RetryAfter),
        KubernetesFailure.ServerError error => new LeaseDecision.Wait($"server error {error.Status}: {error.Message}", error.RetryAfter),
        KubernetesFailure.TimedOut or KubernetesFailure.Unreachable => new LeaseDecision.Wait($"API server not reached: {failure.Message}", null),
        KubernetesFailure.Conflict => new LeaseDecision.Wait($"changed meanwhile: {failure.Message}", null),
        // Not a wait in silence: each of these stays until somebody acts, though the loop goes on asking.
        KubernetesFailure.Forbidden => new LeaseDecision.Refuse($"the Role does not allow it: {failure.Message}"),
        KubernetesFailure.Unauthorized => new LeaseDecision.Refuse($"the token is not accepted: {failure.Message}"),
        _ => new LeaseDecision.Refuse($"not understood: {failure.Message}"),
    };

    // managedFields and the like may differ; what a holder writes must not.
    private static bool Landed(LeaseDocument found, LeaseDocument attempted) =>
        found.Spec?.HolderIdentity == attempted.Spec?.HolderIdentity
        && found.Spec?.RenewTime == attempted.Spec?.RenewTime
        && found.Spec?.AcquireTime == attempted.Spec?.AcquireTime
        && found.Spec?.LeaseTransitions == attempted.Spec?.LeaseTransitions
        && found.Spec?.LeaseDurationSeconds == attempted.Spec?.LeaseDurationSeconds
        && Own(found).Order().SequenceEqual(Own(attempted).Order());

    private static IEnumerable<(string Key, string? Value)> Own(LeaseDocument lease) =>
        lease.Annotations.Where(a => a.Key.StartsWith(SidecarAnnotations.Prefix, StringComparison.Ordinal)).Select(a => (a.Key, a.Value));
}
