using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>
/// The coordinator beside A: each step as <c>CutOver</c> does it, with an answer that may be lost, a command that may be refused, and a
/// pause of the process between any two.
/// </summary>
/// <param name="world">Where it acts.</param>
/// <param name="isTold">Whether it has won an epoch; false: it asks one Sentinel.</param>
/// <param name="roll">A number below this one.</param>
internal sealed class HandOverCoordinator(HandOverWorld world, bool isTold, Func<int, int> roll)
    : HandOverActor(world, B, A, "c", () => roll(8) != 0)
{
    private readonly string _own = world[A].RunId;

    /// <summary>It was stopped since its epoch was won.</summary>
    public bool WasStopped { get; set; }

    public StepOutcome Do(StepDownStep step) => step switch
    {
        StepDownStep.GiveUp => GiveUp(),
        StepDownStep.Fence => Send(A, () => World.SetMinReplicas(A, HandOverLimits.Fence)),
        StepDownStep.AwaitOffset => AwaitOffset(),
        StepDownStep.Promote => Send(B, () => World.Promote(B, 0)),
        StepDownStep.AskTarget => Ask(B, n => n.Role == NodeRole.Master),
        StepDownStep.Announce => AnnounceOnce(),
        StepDownStep.AnnounceAgain => AnnounceAgain(),
        StepDownStep.AskSentinel => AskSentinel(),
        StepDownStep.AwaitSwitch => AwaitSwitch(),
        StepDownStep.Demote => Demote(),
        StepDownStep.Repoint => Repoint(),
        StepDownStep.TakeBack => TakeBack(),
        StepDownStep.Unfence => Unfence(),
        StepDownStep.Restore => Restore(),
        _ => throw new InvalidOperationException(step.ToString()),
    };

    private RedisEndpoint Next { get; set; } = B;

    // Where its answer is lost, or its connection was cut, it is asked for and sent once more.
    private StepOutcome Demote()
    {
        StepOutcome Sent() => Send(A, () => World.Follow(A, Next, Three.MinReplicas));
        return Sent() is StepOutcome.Done || Ask(A, n => n.MasterAddress == Next) is StepOutcome.Done ? StepOutcome.Done : Sent();
    }

    private StepOutcome GiveUp()
    {
        if (roll(12) == 0) return StepOutcome.Refused; // a full disk
        World.Note = new GivingUp(B, World[B].RunId, Epoch!.Epoch);
        return StepOutcome.Done;
    }

    private StepOutcome AwaitOffset()
    {
        foreach (var replica in isTold ? [B] : (RedisEndpoint[])[B, C])
        {
            if (!Answers(replica) || !Answers(A) || World[replica].MasterAddress != A || World[A].Role != NodeRole.Master || roll(10) == 0)
                return StepOutcome.Refused;
            World.Replicate(replica);
        }

        return StepOutcome.Done;
    }

    private StepOutcome AnnounceOnce()
    {
        if (World.Note is null) return StepOutcome.Refused; // settled while it was stopped
        if (Answers(A) && World[A].MinReplicas != HandOverLimits.Fence) return StepOutcome.Refused;
        if (WasStopped && (!Win() || GiveUp() != StepOutcome.Done || !IsPromoted)) return StepOutcome.Refused;
        return Announce() is LeadershipOutcome.Confirmed ? StepOutcome.Done : StepOutcome.Unknown;
    }

    private StepOutcome AnnounceAgain()
    {
        for (var i = 0; i < 4; i++)
        {
            if (SentinelQuorumPolicy.Decide(World.Seen(), 3) is SentinelQuorumDecision.Agreed agreed && agreed.Address != A)
                return agreed.Address == B ? StepOutcome.Done : StepOutcome.Refused;
            if (World.Note is null || !IsPromoted) return StepOutcome.Refused;
            if (Win() && GiveUp() == StepOutcome.Done && Announce() is LeadershipOutcome.Confirmed) return StepOutcome.Done;
            if (roll(2) == 0) World.Gossip();
        }

        return StepOutcome.Unknown;
    }

    private StepOutcome AskSentinel()
    {
        if (World.Sentinels.Any(s => s.Named != A) || roll(6) == 0) return StepOutcome.Refused;
        World.IsFailingOver = true;
        return roll(4) == 0 ? StepOutcome.Unknown : StepOutcome.Done;
    }

    private StepOutcome AwaitSwitch()
    {
        if (roll(8) == 0) World.IsFailingOver = false; // given up by that Sentinel
        else World.SentinelsAct();
        if (SentinelQuorumPolicy.Decide(World.Seen(), 3) is not SentinelQuorumDecision.Agreed agreed || agreed.Address == A)
            return StepOutcome.Unknown;
        Next = agreed.Address;
        return StepOutcome.Done;
    }

    private StepOutcome Repoint()
    {
        var isDone = true;
        foreach (var replica in (RedisEndpoint[])[B, C])
            if (replica != Next) isDone &= Send(replica, () => World.Follow(replica, Next)) == StepOutcome.Done;
        return isDone ? StepOutcome.Done : StepOutcome.Unknown;
    }

    private StepOutcome TakeBack()
    {
        if (!Answers(B)) return StepOutcome.Unknown;
        World.Follow(B, A, Three.MinReplicas);
        return roll(10) == 0 ? StepOutcome.Unknown : StepOutcome.Done;
    }

    private StepOutcome Unfence()
    {
        if (roll(12) == 0) return StepOutcome.Refused; // the note can't be removed
        World.Note = null;
        return Send(A, () => World.SetMinReplicas(A, Three.MinReplicas));
    }

    private StepOutcome Restore()
    {
        if (roll(12) != 0) World.Note = null;
        if (Answers(Next) && World[Next].Role == NodeRole.Master && roll(6) != 0) World.SetMinReplicas(Next, Three.MinReplicas);
        return StepOutcome.Done;
    }

    private bool IsPromoted => Answers(B) && World[B].Role == NodeRole.Master;

    // By its address and its run id.
    private bool Answers(RedisEndpoint at) => !World.Dead.Contains(at) && (at != A || World[A].RunId == _own);

    private StepOutcome Send(RedisEndpoint at, Action change)
    {
        var luck = roll(10);
        if (!Answers(at) || luck == 0) return luck % 2 == 0 ? StepOutcome.Unknown : StepOutcome.Refused;
        if (luck == 1) return StepOutcome.Refused;
        change();
        return luck == 2 ? StepOutcome.Unknown : StepOutcome.Done;
    }

    private StepOutcome Ask(RedisEndpoint at, Func<NodeLook, bool> isDone) =>
        !Answers(at) || roll(8) == 0 ? StepOutcome.Unknown : isDone(World[at]) ? StepOutcome.Done : StepOutcome.Refused;
}
