using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

public sealed class StepDownSequenceTests
{
    private static readonly StepDownStep[] Good =
    [
        StepDownStep.Fence, StepDownStep.AwaitOffset, StepDownStep.Promote, StepDownStep.Demote, StepDownStep.Notify,
        StepDownStep.TellSentinel, StepDownStep.AwaitSwitch, StepDownStep.Restore, StepDownStep.End,
    ];

    // Numbers that choose: how a step ends, whether it was done all the same, who dies.
    private static readonly Arbitrary<int[]> Chances = Gen.Choose(0, 5).ArrayOf(24).ToArbitrary();

    [Fact]
    public void When_all_goes_well_these_steps_follow_each_other()
    {
        for (var i = 0; i + 1 < Good.Length; i++) Assert.Equal(Good[i + 1], StepDownSequence.After(Good[i], StepOutcome.Done));
    }

    [Fact]
    public void Whatever_happens_clients_move_only_to_the_one_master_and_in_the_end_there_is_one_that_takes_writes() =>
        Prop.ForAll(Chances, chances =>
        {
            var world = new HandOverWorld();
            var end = Walk(world, chances, stopAfter: int.MaxValue);
            if (end == StepDownStep.End) AssertWhole(world, "at the end");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Whatever_step_a_coordinator_dies_after_the_sidecars_make_the_group_whole() =>
        Prop.ForAll(Chances, chances =>
        {
            var world = new HandOverWorld();
            Walk(world, chances, stopAfter: chances[0] * 2);
            var log = new List<string>();
            for (var round = 0; round < 8; round++)
            {
                foreach (var own in (RedisEndpoint[])[C, A, B])
                {
                    if (world.Dead.Contains(own)) continue;
                    var decision = HandOverRepairPolicy.Decide(new HandOverRepairFacts(world.From(own), Coordinator: false));
                    log.Add($"{own.Host} {decision.Code}");
                    world.Repair(own, decision);
                    Assert.True(world.Masters.Count() <= 2, "more than one was promoted");
                }

                world.Sentinel();
            }

            AssertWhole(world, string.Join(", ", log));
            Assert.All(world.Alive, n => Assert.True(n.Priority == 100, $"{n.Announced!} still has priority {n.Priority}: {string.Join(", ", log)}"));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    // One walk through the sequence. An unknown outcome was done or not; a question finds the truth or nothing.
    private static StepDownStep Walk(HandOverWorld world, int[] chances, int stopAfter)
    {
        var step = StepDownStep.Fence;
        for (var i = 1; i < chances.Length && step is not (StepDownStep.End or StepDownStep.Leave) && i <= stopAfter; i++)
        {
            var outcome = (StepOutcome)(chances[i] < 3 ? 0 : chances[i] == 3 ? 1 : 2);
            switch (step)
            {
                case StepDownStep.AskTarget:
                    outcome = outcome == StepOutcome.Unknown ? outcome : world[B].Role == NodeRole.Master ? StepOutcome.Done : StepOutcome.Refused;
                    break;
                case StepDownStep.AskOwn:
                    outcome = outcome == StepOutcome.Unknown ? outcome : world[A].Role == NodeRole.Replica ? StepOutcome.Done : StepOutcome.Refused;
                    break;
                case StepDownStep.AwaitSwitch when outcome != StepOutcome.Done && world.Named == B:
                    outcome = StepOutcome.Unknown; // one Sentinel names the target: never Refused
                    break;
                case StepDownStep.AwaitSwitch when outcome == StepOutcome.Done && world.Named != B:
                    outcome = StepOutcome.Unknown;
                    break;
                case StepDownStep.TellSentinel or StepDownStep.AwaitSwitch when outcome == StepOutcome.Refused:
                    world.Dead.Add(B); // that is what refused means there
                    break;
                case StepDownStep.Notify:
                    Assert.Equal((NodeRole.Replica, NodeRole.Master), (world[A].Role, world[B].Role));
                    break;
            }

            // "Refused" of a cut-over's transaction: nothing of it happened. "Unknown": by the next number.
            if (outcome == StepOutcome.Done || (outcome == StepOutcome.Unknown && chances[(i + 7) % chances.Length] % 2 == 0)) world.Do(step);
            if (world.ClientsMoved) Assert.False(world[A].Role == NodeRole.Master && !world.Dead.Contains(B), "clients were moved and the old master is one again");
            if (step is StepDownStep.Unfence && outcome != StepOutcome.Done) return StepDownStep.Leave; // the own server does not answer any more
            if (step is StepDownStep.Restore && outcome != StepOutcome.Done) return StepDownStep.Leave; // as far as it went; repair has the rest
            step = StepDownSequence.After(step, outcome);
        }

        return step;
    }

    private static void AssertWhole(HandOverWorld world, string how)
    {
        world.Sentinel();
        var master = Assert.Single(world.Masters);
        Assert.True(master.Announced! == world.Named, $"{master.Announced!} is master, Sentinels name {world.Named}: {how}");
        Assert.True(master.MinReplicas == 1, $"min-replicas-to-write is {master.MinReplicas}: {how}");
    }
}
