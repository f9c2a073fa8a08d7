using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Watch;

namespace Sidecars.Unit.Tests.Failover.Watch;

public sealed class SwitchTimingTests
{
    private static readonly RedisEndpoint B = new("10.0.0.2", 6379);
    private static readonly RedisEndpoint C = new("10.0.0.3", 6379);

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(400, 600)]
    [InlineData(650, 350)]
    [InlineData(651, 1349)] // asks before it waits for the promotion, and again a second later
    [InlineData(999, 1001)]
    [InlineData(1000, 1000)] // asks at once
    [InlineData(9000, 1000)]
    [InlineData(null, 1000)]
    public void It_switches_a_second_after_the_last_answer_that_it_can_use(int? ageMs, int afterMs) =>
        Assert.Equal(afterMs, SwitchTiming.SwitchesAfter(ageMs is { } age ? TimeSpan.FromMilliseconds(age) : null).TotalMilliseconds);

    [Theory]
    [InlineData(0, 550)]
    [InlineData(1, 600)]
    [InlineData(2, 650)]
    [InlineData(3, 550)]
    public void Neighbours_ask_at_different_rates(int rank, int milliseconds) =>
        Assert.Equal(milliseconds, SwitchTiming.PeriodOf(SwitchTiming.InfoPeriod, rank).TotalMilliseconds);

    [Fact]
    public void Each_is_judged_by_the_replica_that_it_would_choose_itself()
    {
        var first = Voter(1, Replica(B, 600) with { Offset = 10 }, Replica(C, 100) with { Offset = 11 });
        var second = Voter(2, Replica(B, 300) with { Offset = 11 }, Replica(C, 600) with { Offset = 10 });
        Assert.Equal([second.Endpoint, first.Endpoint], SwitchTiming.Order([first, second]).AsEnumerable());
        Assert.Equal([first.Endpoint, second.Endpoint], SwitchTiming.Order([first, second], B).AsEnumerable());
    }

    [Fact]
    public void A_Sentinel_chooses_by_priority_then_offset_then_run_id()
    {
        Assert.Equal(C, Choice(Replica(B) with { Priority = 100, Offset = 9 }, Replica(C) with { Priority = 10, Offset = 1 }));
        Assert.Equal(B, Choice(Replica(B) with { Offset = 9 }, Replica(C) with { Offset = 1 }));
        Assert.Equal(C, Choice(Replica(B) with { RunId = "b" }, Replica(C) with { RunId = "A" }));
        Assert.Equal(C, Choice(Replica(B), Replica(C) with { RunId = "f" })); // one that is not known comes last
        Assert.Equal(B, Choice(Replica(B) with { Priority = 100 }, Replica(C) with { Priority = 0 }));
        Assert.Null(Choice(Replica(B) with { Flags = "slave,s_down" }, Replica(C) with { Priority = 0 }));
    }

    [Fact]
    public void Nobody_is_left_out_and_nobody_who_switches_later_comes_first() => Prop.ForAll(
        Gen.ArrayOf(Gen.Choose(-1, 11_000)).ToArbitrary(),
        ages =>
        {
            var voters = ages.Select((age, n) => Voter(n, Replica(B) with { InfoAge = age < 0 ? null : TimeSpan.FromMilliseconds(age) })).ToImmutableArray();
            var order = SwitchTiming.Order(voters, B);
            var after = order.Select(o => SwitchTiming.SwitchesAfter(voters.Single(v => v.Endpoint == o).View.Replicas[0].InfoAge)).ToList();
            return order.Length == voters.Length && after.SequenceEqual(after.Order());
        }).QuickCheckThrowOnFailure();

    private static RedisEndpoint? Choice(params SentinelReplica[] replicas) => Voter(1, replicas).View.Choice?.Address;

    private static SentinelReplica Replica(RedisEndpoint address, int ageMs = 0) => new() { Address = address, Flags = "slave", Priority = 100, InfoAge = TimeSpan.FromMilliseconds(ageMs) };

    private static SentinelObservation.Known Voter(int n, params SentinelReplica[] replicas) =>
        new(new RedisEndpoint("10.0.1.1", 1000 + n), new SentinelView { MyId = new string('a', 40), Replicas = [.. replicas] });
}
