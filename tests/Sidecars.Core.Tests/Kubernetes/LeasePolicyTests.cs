using Sidecars.Core.Kubernetes;
using Read = Sidecars.Core.Kubernetes.KubernetesRead<Sidecars.Core.Kubernetes.LeaseDocument>;

namespace Sidecars.Core.Tests.Kubernetes;

public sealed class LeasePolicyTests
{
    private static readonly LeaseView Valid = new("other", TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(30));
    private static readonly LeaseView Over = Valid with { Remaining = TimeSpan.Zero };

    public static TheoryData<Read, LeaseView?, Type> Decisions => new()
    {
        { Failed(new KubernetesFailure.NotFound("x")), null, typeof(LeaseDecision.Acquire) },
        { Held(null), null, typeof(LeaseDecision.Acquire) },
        { Held(""), null, typeof(LeaseDecision.Acquire) },
        { Held("me"), null, typeof(LeaseDecision.Renew) },
        { Held("other"), Valid, typeof(LeaseDecision.Wait) },
        { Held("other"), Over, typeof(LeaseDecision.Acquire) },
        { Held("other"), null, typeof(LeaseDecision.Wait) },
        { Held("third"), Over, typeof(LeaseDecision.Wait) }, // the view is of another holder: not observed yet
        { Deleting("me"), null, typeof(LeaseDecision.Wait) },
        { Deleting("other"), Over, typeof(LeaseDecision.Wait) },
        { Failed(new KubernetesFailure.Throttled("x", null)), null, typeof(LeaseDecision.Wait) },
        { Failed(new KubernetesFailure.ServerError(503, "x", null)), null, typeof(LeaseDecision.Wait) },
        { Failed(new KubernetesFailure.TimedOut("x")), Over, typeof(LeaseDecision.Wait) },
        { Failed(new KubernetesFailure.Unreachable("x")), Over, typeof(LeaseDecision.Wait) },
        { Failed(new KubernetesFailure.Forbidden("x")), null, typeof(LeaseDecision.Refuse) },
        { Failed(new KubernetesFailure.Unauthorized("x")), null, typeof(LeaseDecision.Refuse) },
        { Failed(new KubernetesFailure.Rejected(400, "x")), null, typeof(LeaseDecision.Refuse) },
        { Failed(new KubernetesFailure.Malformed("x")), null, typeof(LeaseDecision.Refuse) },
    };

    [Theory]
    [MemberData(nameof(Decisions))]
    public void Each_state_has_its_decision(Read read, LeaseView? view, Type expected) =>
        Assert.IsType(expected, LeasePolicy.Decide(read, view, "me"));

    [Fact]
    public void A_lost_lease_is_told_apart_from_a_free_one()
    {
        Assert.True(Assert.IsType<LeaseDecision.Acquire>(LeasePolicy.Decide(Failed(new KubernetesFailure.NotFound("x")), null, "me")).Create);
        Assert.False(Assert.IsType<LeaseDecision.Acquire>(LeasePolicy.Decide(Held(""), null, "me")).Create);
    }

    [Fact]
    public void Waiting_lasts_as_long_as_the_holder_or_the_server_asks()
    {
        Assert.Equal(Valid.Remaining, Assert.IsType<LeaseDecision.Wait>(LeasePolicy.Decide(Held("other"), Valid, "me")).AtLeast);
        var throttled = Failed(new KubernetesFailure.Throttled("x", TimeSpan.FromSeconds(3)));
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.IsType<LeaseDecision.Wait>(LeasePolicy.Decide(throttled, null, "me")).AtLeast);
    }

    public static TheoryData<Read, LeaseOutcome> Outcomes => new()
    {
        { Held("me"), new LeaseOutcome.StillHeld(true) },
        { Held("other"), new LeaseOutcome.Preempted("other") },
        { Held(""), new LeaseOutcome.Preempted(null) },
        { Held(null), new LeaseOutcome.Preempted(null) },
        { Deleting("me"), new LeaseOutcome.Missing() },
        { Failed(new KubernetesFailure.NotFound("x")), new LeaseOutcome.Missing() },
        { Failed(new KubernetesFailure.TimedOut("x")), new LeaseOutcome.Unverifiable(new KubernetesFailure.TimedOut("x")) },
        { Failed(new KubernetesFailure.Forbidden("x")), new LeaseOutcome.Unverifiable(new KubernetesFailure.Forbidden("x")) },
    };

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void Each_read_after_a_write_has_its_outcome(Read read, LeaseOutcome expected) =>
        Assert.Equal(expected, LeasePolicy.Classify(read, "me"));

    [Fact]
    public void A_write_of_unknown_outcome_has_landed_when_the_lease_says_what_was_tried()
    {
        var old = Lease("me", "r1", ("sidecars.redis/term", "4"));
        var tried = Lease("me", "r2", ("sidecars.redis/term", "5"));
        var sameButForeign = Lease("me", "r2", ("sidecars.redis/term", "5"), ("someone.else/note", "x"));

        Assert.Equal(new LeaseOutcome.StillHeld(false), LeasePolicy.Classify(new Read.Found(old), "me", tried));
        Assert.Equal(new LeaseOutcome.StillHeld(true), LeasePolicy.Classify(new Read.Found(sameButForeign), "me", tried));
        Assert.Equal(new LeaseOutcome.StillHeld(false), LeasePolicy.Classify(new Read.Found(Lease("me", "r2", ("sidecars.redis/term", "4"))), "me", tried));
    }

    private static Read Failed(KubernetesFailure failure) => new Read.Failed(failure);

    private static Read Held(string? holder) => new Read.Found(Lease(holder, "r"));

    private static Read Deleting(string holder)
    {
        var lease = Lease(holder, "r");
        return new Read.Found(lease with { Metadata = lease.Metadata! with { DeletionTimestamp = "2026-11-20T10:00:00Z" } });
    }

    private static LeaseDocument Lease(string? holder, string renew, params (string Key, string Value)[] annotations) => LeaseDocument.New("ns", "g") with
    {
        Metadata = new ObjectMeta { Name = "g", Uid = "u", ResourceVersion = "1", Annotations = annotations.ToDictionary(a => a.Key, a => (string?)a.Value) },
        Spec = new LeaseSpec { HolderIdentity = holder, RenewTime = renew, LeaseDurationSeconds = 30 },
    };
}
