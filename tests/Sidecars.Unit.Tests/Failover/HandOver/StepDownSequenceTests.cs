using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

public sealed class StepDownSequenceTests
{
    private static readonly StepDownStep[] Told =
    [
        StepDownStep.GiveUp, StepDownStep.Fence, StepDownStep.AwaitOffset, StepDownStep.Promote, StepDownStep.Announce,
        StepDownStep.Demote, StepDownStep.Repoint, StepDownStep.Restore, StepDownStep.End,
    ];

    private static readonly StepDownStep[] Asked =
    [
        StepDownStep.Fence, StepDownStep.AwaitOffset, StepDownStep.AskSentinel, StepDownStep.AwaitSwitch,
        StepDownStep.Demote, StepDownStep.Repoint, StepDownStep.Restore, StepDownStep.End,
    ];

    private static readonly StepDownStep[] Forward =
        [StepDownStep.Announce, StepDownStep.AnnounceAgain, StepDownStep.Demote, StepDownStep.Repoint, StepDownStep.Restore,
            StepDownStep.End, StepDownStep.Leave];

    // Numbers that choose: which message is lost, which command refused, who dies, who acts meanwhile.
    private static readonly Arbitrary<int[]> Chances = Gen.Choose(0, 5039).ArrayOf(150).ToArbitrary();

    [Fact]
    public void When_all_goes_well_these_steps_follow_each_other()
    {
        foreach (var (steps, isTold) in new[] { (Told, true), (Asked, false) })
        {
            Assert.Equal(steps[0], StepDownSequence.First(isTold));
            for (var i = 0; i + 1 < steps.Length; i++)
                Assert.Equal(steps[i + 1], StepDownSequence.After(steps[i], StepOutcome.Done, isTold));
        }
    }

    [Fact]
    public void Every_step_has_a_next_one_after_every_outcome_and_from_an_announcement_on_only_forward()
    {
        foreach (var step in Enum.GetValues<StepDownStep>())
        {
            foreach (var outcome in Enum.GetValues<StepOutcome>())
            {
                var next = StepDownSequence.After(step, outcome, isTold: true);
                // A refused announcement was sent to nobody.
                if (Forward.Contains(step) && (step, outcome) != (StepDownStep.Announce, StepOutcome.Refused))
                    Assert.Contains(next, Forward);
                if (next == StepDownStep.Demote) Assert.Equal(StepOutcome.Done, outcome);
            }
        }

        Assert.Equal(StepDownStep.TakeBack, StepDownSequence.After(StepDownStep.Announce, StepOutcome.Refused, isTold: true));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Undisturbed_it_ends_with_the_target_as_the_one_master_without_anybodys_help(bool isTold)
    {
        var world = new HandOverWorld();
        var coordinator = new HandOverCoordinator(world, isTold, n => n - 1);
        world.ClientsWrite();
        if (isTold) Assert.True(coordinator.Win());
        var step = StepDownSequence.First(isTold);
        for (; step is not (StepDownStep.End or StepDownStep.Leave); step = StepDownSequence.After(step, coordinator.Do(step), isTold))
            world.ClientsWrite();
        world.ClientsWrite();
        Assert.Equal(StepDownStep.End, step);
        Assert.Equal((NodeRole.Replica, isTold ? B : world.Sentinels[0].Named), (world[A].Role, world.Sentinels[0].Named));
        AssertWhole(world);
    }

    [Theory]
    [InlineData(true, 2500)]
    [InlineData(false, 2000)]
    public void Whatever_is_lost_and_whoever_dies_no_two_masters_take_writes_and_in_the_end_the_group_is_whole(bool isTold, int runs) =>
        Prop.ForAll(Chances, numbers => Run(numbers, isTold)).Check(Config.QuickThrowOnFailure.WithMaxTest(runs));

    private static void Run(int[] numbers, bool isTold)
    {
        var (world, drawn) = (new HandOverWorld(), 0);
        var coordinator = new HandOverCoordinator(world, isTold, Roll);
        world.ClientsWrite();
        if (isTold && !coordinator.Win()) return;
        var step = StepDownSequence.First(isTold);
        while (step is not (StepDownStep.End or StepDownStep.Leave) && Roll(14) != 0)
        {
            Meanwhile(world, coordinator, isTold, Roll);
            var outcome = coordinator.Do(step);
            world.Log.Add($"{step} {outcome}");
            world.ClientsWrite();
            step = StepDownSequence.After(step, outcome, isTold);
        }

        world.Log.Add($"coordinator ends at {step}");
        // A fence that nobody lifts is one that is lifted when it has stood for long enough.
        for (var round = 0; round < 12; round++)
        {
            foreach (var own in Shuffled(Roll))
            {
                world.Repair(own, coordinator: false, () => Roll(8) != 0);
                world.ClientsWrite();
                world.Fence(own, TimeSpan.FromSeconds(round == 0 ? 5 : 60));
                world.ClientsWrite();
            }

            if (Roll(2) == 0 || round > 3) world.SentinelsAct();
            else world.Gossip();
        }

        AssertWhole(world);

        int Roll(int below) => numbers[drawn++ % numbers.Length] % below;
    }

    // Between two steps.
    private static void Meanwhile(HandOverWorld world, HandOverCoordinator coordinator, bool isTold, Func<int, int> roll)
    {
        switch (roll(24))
        {
            case 0 when !world.Dead.Contains(A): world.Kill(B); break;
            case 1 when !world.Dead.Contains(B): world.Kill(A); break;
            case 2: world.RestartA(); break;
            case 3 or 4: world.Gossip(); break;
            case 5:
                world.Replicate(B);
                world.Replicate(C);
                break;
            case 6 or 7:
                // The coordinator is stopped: everybody else goes on, for longer than a fence is left alone where there is a note.
                world.Log.Add("stopped");
                coordinator.WasStopped = true;
                world.SentinelsAct();
                foreach (var own in Shuffled(roll))
                {
                    world.Repair(own, coordinator: own == A, () => roll(8) != 0);
                    world.Fence(own, TimeSpan.FromSeconds(isTold ? 60 : 20));
                    world.ClientsWrite();
                }

                world.SentinelsAct();
                break;
        }
    }

    private static RedisEndpoint[] Shuffled(Func<int, int> roll) => roll(3) switch
    {
        0 => [A, B, C],
        1 => [C, A, B],
        _ => [B, C, A],
    };

    private static void AssertWhole(HandOverWorld world)
    {
        var master = Assert.Single(world.Masters);
        Assert.All(world.Sentinels, s => Assert.True(
            s.Named == master.Announced, $"{master.Announced} is master, Sentinel {s.Number} names {s.Named}: {world.Story}"));
        Assert.True(master.MinReplicas == HandOverFacts.Three.MinReplicas,
            $"{master.Announced} asks for {master.MinReplicas} replicas: {world.Story}");
        Assert.All(world.Alive.Where(n => n != master),
            n => Assert.True(n.MasterAddress == master.Announced, $"{n.Announced} follows {n.MasterAddress}: {world.Story}"));
        Assert.All(world.Alive,
            n => Assert.True(n.MinReplicas <= HandOverFacts.Three.MinReplicas, $"{n.Announced} keeps {n.MinReplicas}: {world.Story}"));
        if (!world.Dead.Contains(A)) Assert.True(world.Note is null, $"A still gives up: {world.Story}");
        Assert.True(world.Acknowledged > 0, "nobody wrote");
        if (!world.MayLose)
            Assert.True(world.LostAt(master.Announced!) == 0,
                $"{world.LostAt(master.Announced!)} of {world.Acknowledged} acknowledged writes are lost: {world.Story}");
    }
}
