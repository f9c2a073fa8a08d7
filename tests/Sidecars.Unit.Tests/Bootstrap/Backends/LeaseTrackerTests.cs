using FsCheck;
using FsCheck.Fluent;
using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Bootstrap.Backends;

public sealed class LeaseTrackerTests
{
    private const long Second = 1000;
    private readonly LeaseTracker _tracker = new(Second, TimeSpan.FromSeconds(40));

    [Fact]
    public void A_lease_seen_for_the_first_time_counts_from_now_however_old_it_looks()
    {
        Assert.Equal(TimeSpan.FromSeconds(30), _tracker.Observe(Lease(renew: "1999-01-01T00:00:00.000000Z"), 5_000_000).Remaining);
    }

    [Theory]
    [InlineData("1999-01-01T00:00:00.000000Z")]
    [InlineData("2099-01-01T00:00:00.000000Z")]
    [InlineData("no time at all")]
    [InlineData(null)]
    public void Its_times_are_never_compared_with_a_clock(string? renew)
    {
        _tracker.Observe(Lease(renew: renew), 0);
        Assert.False(_tracker.Observe(Lease(renew: renew), (30 * Second) - 1).Expired);
        Assert.True(_tracker.Observe(Lease(renew: renew), 30 * Second).Expired);
    }

    [Fact]
    public void A_renewal_into_the_past_is_a_renewal()
    {
        _tracker.Observe(Lease(renew: "2026-11-20T10:00:00.000000Z"), 0);
        _tracker.Observe(Lease(renew: "2026-11-20T09:00:00.000000Z"), 29 * Second);
        Assert.Equal(TimeSpan.FromSeconds(29), _tracker.Observe(Lease(renew: "2026-11-20T09:00:00.000000Z"), 30 * Second).Remaining);
    }

    [Fact]
    public void Candidates_that_write_annotations_do_not_prolong_a_dead_holder()
    {
        for (var second = 0; second < 30; second++)
            Assert.False(_tracker.Observe(Lease(version: $"{second}"), second * Second).Expired);
        Assert.True(_tracker.Observe(Lease(version: "30"), 30 * Second).Expired);
    }

    [Theory]
    [InlineData("uid")]
    [InlineData("holder")]
    [InlineData("transitions")]
    [InlineData("acquire")]
    public void Every_part_that_a_holder_writes_counts_as_a_sign_of_life(string part)
    {
        _tracker.Observe(Lease(), 0);
        var changed = part switch
        {
            "uid" => Lease(uid: "another"),
            "holder" => Lease(holder: "another"),
            "transitions" => Lease(transitions: 4),
            _ => Lease(acquire: "2026-11-20T10:00:01.000000Z"),
        };
        _tracker.Observe(changed, 20 * Second);
        Assert.Equal(TimeSpan.FromSeconds(20), _tracker.Observe(changed, 30 * Second).Remaining);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_lease_without_holder_is_free_and_not_expired(string? holder)
    {
        var view = _tracker.Observe(Lease(holder: holder), 0);
        Assert.Null(view.Holder);
        Assert.False(view.Expired);
    }

    [Theory]
    [InlineData(null, 40)]
    [InlineData(0, 40)]
    [InlineData(-5, 40)]
    [InlineData(int.MaxValue, 3600)]
    public void A_duration_that_is_none_is_replaced_and_a_huge_one_bounded(int? seconds, int counted) =>
        Assert.Equal(TimeSpan.FromSeconds(counted), _tracker.Observe(Lease(seconds: seconds), 0).Duration);

    [Fact]
    public void A_lease_that_was_lost_counts_from_its_new_first_sight()
    {
        _tracker.Observe(Lease(), 0);
        _tracker.Forget();
        Assert.Equal(TimeSpan.FromSeconds(30), _tracker.Observe(Lease(), 29 * Second).Remaining);
    }

    [Fact]
    public void A_holder_that_renews_within_the_duration_never_expires_whatever_the_gaps() =>
        Prop.ForAll(Gen.Choose(0, 29_999).ListOf().ToArbitrary(), gaps =>
        {
            var tracker = new LeaseTracker(Second, TimeSpan.FromSeconds(40));
            var at = 0L;
            var beat = 0;
            tracker.Observe(Lease(renew: "first"), 0);
            foreach (var gap in gaps)
            {
                at += gap;
                if (tracker.Observe(Lease(renew: beat == 0 ? "first" : $"{beat}"), at).Expired) return false;
                beat++;
                tracker.Observe(Lease(renew: $"{beat}"), at);
            }

            return tracker.Observe(Lease(renew: beat == 0 ? "first" : $"{beat}"), at + (30 * Second)).Expired;
        }).QuickCheckThrowOnFailure();

    private static LeaseDocument Lease(
        string? holder = "dead", string? renew = "r", int? seconds = 30, int transitions = 3, string version = "1", string uid = "u",
        string acquire = "a") =>
        LeaseDocument.New("ns", "g") with
        {
            Metadata = new ObjectMeta { Name = "g", Uid = uid, ResourceVersion = version },
            Spec = new LeaseSpec
            {
                HolderIdentity = holder,
                RenewTime = renew,
                LeaseDurationSeconds = seconds,
                LeaseTransitions = transitions,
                AcquireTime = acquire
            },
        };
}
