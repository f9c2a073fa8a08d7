using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;
using Sidecars.Failover.HandOver;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>
/// Three servers and what Sentinels name, as a model: steps of a hand-over change it, a coordinator can die between any two, and then
/// only the sidecars' repair and Sentinel itself go on.
/// </summary>
internal sealed class HandOverWorld
{
    private readonly Dictionary<RedisEndpoint, NodeLook> _nodes = new() { [A] = MasterA, [B] = ReplicaAt(B), [C] = ReplicaAt(C) with { Priority = 0 } };

    public RedisEndpoint Named { get; private set; } = A;

    public long Epoch { get; private set; } = 7;

    public HashSet<RedisEndpoint> Dead { get; } = [];

    public bool ClientsMoved { get; private set; }

    public NodeLook this[RedisEndpoint at] => _nodes[at];

    public IEnumerable<NodeLook> Alive => _nodes.Values.Where(n => !Dead.Contains(n.Announced!));

    public IEnumerable<NodeLook> Masters => Alive.Where(n => n.Role == NodeRole.Master);

    public HandOverSnapshot From(RedisEndpoint own) => new()
    {
        Settings = Three,
        Sentinels = [.. Enumerable.Range(1, 3).Select(n => Names(n, Named, Epoch, Dead.Contains(Named) ? "master,s_down,o_down" : "master",
            [.. _nodes.Values.Where(x => x.Announced! != Named).Select(x => Listed(x.Announced!, x.Priority!.Value, Dead.Contains(x.Announced!) ? "slave,s_down" : "slave"))]))],
        Own = Look(own),
        Others = [.. _nodes.Keys.Where(k => k != own).Select(Look)],
    };

    /// <summary>What a step does to the servers, where it is done.</summary>
    public void Do(StepDownStep step)
    {
        switch (step)
        {
            case StepDownStep.Fence: Set(A, n => n with { MinReplicas = HandOverLimits.Fence }); break;
            case StepDownStep.Promote: Promote(B, 0); break;
            case StepDownStep.Demote: Follow(A, B, 1); break;
            case StepDownStep.Notify: ClientsMoved = true; break;
            case StepDownStep.TellSentinel: SentinelPromotes(B); break;
            case StepDownStep.TakeBack: Follow(B, A, 1); break;
            case StepDownStep.Resume: Promote(A, 1); break;
            case StepDownStep.Unfence: Set(A, n => n with { MinReplicas = 1 }); break;
            case StepDownStep.Restore:
                Set(C, n => n with { Priority = 100 });
                if (Named == B) Set(B, n => n with { MinReplicas = 1 });
                break;
        }
    }

    public void Repair(RedisEndpoint own, HandOverRepairDecision decision)
    {
        switch (decision)
        {
            case HandOverRepairDecision.TellSentinel: SentinelPromotes(own); break;
            case HandOverRepairDecision.TakeBack back: Follow(back.Endpoint, back.Master, _nodes[back.Endpoint].MinReplicas!.Value); break;
            case HandOverRepairDecision.Resume resume: Promote(own, resume.MinReplicas); break;
            case HandOverRepairDecision.SetMinReplicas set: Set(own, n => n with { MinReplicas = set.Value }); break;
            case HandOverRepairDecision.SetPriority set: Set(own, n => n with { Priority = set.Value }); break;
        }
    }

    /// <summary>Sentinel's own doing: a dead master is replaced, a wanderer is brought back to the master.</summary>
    public void Sentinel()
    {
        if (Dead.Contains(Named) && Alive.Where(n => n.Priority > 0).MaxBy(n => n.Offset) is { } best) SentinelPromotes(best.Announced!);
        if (Dead.Contains(Named) || this[Named].Role != NodeRole.Master) return;
        foreach (var node in Alive.ToList())
            if (node.Role == NodeRole.Replica && node.MasterAddress != Named) Follow(node.Announced!, Named, node.MinReplicas!.Value);
    }

    private NodeObservation Look(RedisEndpoint at)
    {
        if (Dead.Contains(at)) return Gone(at);
        var node = _nodes[at];
        return Seen(node with { Attached = node.Role == NodeRole.Master ? Alive.Count(n => n.Role == NodeRole.Replica && n.MasterAddress == at) : 0 });
    }

    private void SentinelPromotes(RedisEndpoint at)
    {
        (Named, Epoch) = (at, Epoch + 1);
        if (this[at].Role == NodeRole.Replica) Promote(at, this[at].MinReplicas!.Value);
        foreach (var other in Alive.Where(n => n.Announced! != at).ToList()) Follow(other.Announced!, at, other.MinReplicas!.Value);
    }

    private void Promote(RedisEndpoint at, long minReplicas) => Set(at, n => n.Role == NodeRole.Master ? n with { MinReplicas = minReplicas }
        : n with { Role = NodeRole.Master, MasterAddress = null, PreviousReplicationId = n.ReplicationId, ReplicationId = NextStream, MinReplicas = minReplicas, MasterLinkUp = false, Silence = null });

    private void Follow(RedisEndpoint at, RedisEndpoint master, long minReplicas) => Set(at, n => n with
    {
        Role = NodeRole.Replica,
        MasterAddress = master,
        MinReplicas = minReplicas,
        MasterLinkUp = !Dead.Contains(master),
        ReplicationId = Dead.Contains(master) ? n.ReplicationId : _nodes[master].ReplicationId,
        PreviousReplicationId = "",
    });

    private void Set(RedisEndpoint at, Func<NodeLook, NodeLook> change)
    {
        if (!Dead.Contains(at)) _nodes[at] = change(_nodes[at]);
    }
}
