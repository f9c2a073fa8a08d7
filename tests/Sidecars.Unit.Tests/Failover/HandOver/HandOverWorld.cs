using System.Collections.Immutable;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Fence;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Watch;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.HandOver.HandOverFacts;

namespace Sidecars.Unit.Tests.Failover.HandOver;

/// <summary>
/// Three servers, three Sentinels with a view of their own each, and clients that follow any of them or stay where they are: a model of a
/// group in which A gives up for B. What Sentinels and sidecars decide is decided by the real policies. After each change it checks what
/// must never be.
/// </summary>
internal sealed class HandOverWorld
{
    private readonly Dictionary<RedisEndpoint, NodeLook> _nodes = new() { [A] = MasterA, [B] = ReplicaAt(B), [C] = ReplicaAt(C) };
    private readonly Dictionary<RedisEndpoint, ImmutableHashSet<int>> _data = new() { [A] = [], [B] = [], [C] = [] };
    private readonly Dictionary<long, RedisEndpoint> _announced = new() { [7] = A };
    private readonly List<int> _acknowledged = [];
    private (RedisEndpoint Master, long Epoch)? _told;
    private int _repairs;
    private long _learnt;

    public MemorySentinel[] Sentinels { get; } = [.. Enumerable.Range(1, 3).Select(n => new MemorySentinel(n))];

    public HashSet<RedisEndpoint> Dead { get; } = [];

    /// <summary>A's note for whom it gives up.</summary>
    public GivingUp? Note { get; set; }

    /// <summary>Somebody died, so that what had not been replicated may be lost.</summary>
    public bool MayLose { get; private set; }

    /// <summary>SENTINEL FAILOVER runs.</summary>
    public bool IsFailingOver { get; set; }

    public List<string> Log { get; } = [];

    public NodeLook this[RedisEndpoint at] => _nodes[at];

    public IEnumerable<NodeLook> Alive => _nodes.Values.Where(n => !Dead.Contains(n.Announced!));

    public IEnumerable<NodeLook> Masters => Alive.Where(n => n.Role == NodeRole.Master);

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Acknowledged writes that this server does not have.</summary>
    public int LostAt(RedisEndpoint at) => _acknowledged.Count(w => !_data[at].Contains(w));

    /// <summary>What somebody sees who reaches these Sentinels.</summary>
    public ImmutableArray<SentinelObservation> Seen(Func<MemorySentinel, bool>? reaches = null) =>
        [.. Sentinels.Select(s => reaches?.Invoke(s) != false
            ? (SentinelObservation)ViewOf(s)
            : new SentinelObservation.Unreachable(SentinelAt(s.Number), "no answer"))];

    public HandOverSnapshot From(RedisEndpoint own) => new()
    {
        Settings = Three,
        Sentinels = Seen(),
        Own = Look(own),
        Others = [.. _nodes.Keys.Where(k => k != own).Select(Look)],
    };

    public void Promote(RedisEndpoint at, long minReplicas) => Set(at, n => n.Role == NodeRole.Master
        ? n with { MinReplicas = minReplicas }
        : n with
        {
            Role = NodeRole.Master,
            MasterAddress = null,
            PreviousReplicationId = n.ReplicationId,
            ReplicationId = at.Host.PadLeft(40, 'e'),
            MinReplicas = minReplicas,
            MasterLinkUp = false,
            Silence = null
        });

    /// <summary>REPLICAOF; what the master has takes the place of what it had.</summary>
    public void Follow(RedisEndpoint at, RedisEndpoint master, long? minReplicas = null)
    {
        Set(at, n => n with
        {
            Role = NodeRole.Replica,
            MasterAddress = master,
            MinReplicas = minReplicas ?? n.MinReplicas,
            MasterLinkUp = !Dead.Contains(master),
            PreviousReplicationId = ""
        });
        if (IsMaster(master) && !Dead.Contains(at)) Replicate(at);
    }

    public void SetMinReplicas(RedisEndpoint at, long value) => Set(at, n => n with { MinReplicas = value });

    /// <summary>A replica that follows a living master has all of it.</summary>
    public void Replicate(RedisEndpoint at)
    {
        if (Dead.Contains(at) || this[at] is not { Role: NodeRole.Replica, MasterAddress: { } master } || !IsMaster(master)) return;
        _data[at] = _data[master];
        Set(at, n => n with { ReplicationId = this[master].ReplicationId, MasterLinkUp = true });
    }

    public void Kill(RedisEndpoint at)
    {
        MayLose = true;
        Dead.Add(at);
        Log.Add($"{at.Host} dies");
    }

    /// <summary>A's process is another one: bootstrap starts it with what its disk and the Sentinels say.</summary>
    public void RestartA()
    {
        if (Dead.Contains(A)) return;
        // Without the note nothing outlives the process, and the configured value would be in force beside a failover that was asked for.
        MayLose |= Note is null && this[A].MinReplicas >= WriteFence.StepDown;
        var fence = Note is null ? Three.MinReplicas : WriteFence.StepDown;
        Set(A, n => n with
        { RunId = new string('7', 40), ReplicationId = new string('8', 40), PreviousReplicationId = "", MinReplicas = fence });
        if (SentinelQuorumPolicy.Decide(Seen(), 3) is SentinelQuorumDecision.Agreed agreed && agreed.Address != A)
            Follow(A, agreed.Address);
        Log.Add("A restarts");
        Check();
    }

    /// <summary>A coordinator or a repair announces this master to a Sentinel; it may have died, and never is it a replica.</summary>
    public void Tell(MemorySentinel sentinel, RedisEndpoint master, long epoch, long current)
    {
        Assert.True(Dead.Contains(master) || IsMaster(master), $"{master} is a replica and was announced in epoch {epoch}: {Story}");
        if (Hear(sentinel, master, epoch, current) && (_told is not { } told || epoch > told.Epoch)) _told = (master, epoch);
        Check();
    }

    /// <summary>What Sentinels tell each other every two seconds.</summary>
    public void Gossip()
    {
        var highest = Sentinels.MaxBy(s => s.ConfigEpoch)!;
        var current = Sentinels.Max(s => s.CurrentEpoch);
        foreach (var sentinel in Sentinels) Hear(sentinel, highest.Named, highest.ConfigEpoch, current);
    }

    /// <summary>
    /// Sentinel's own doing within a minute: what one knows all know, a master that is dead or a replica is replaced by whoever has the
    /// most, and every other server is made to follow.
    /// </summary>
    public void SentinelsAct()
    {
        Gossip();
        var named = Sentinels[0].Named;
        if (IsFailingOver || !IsMaster(named)) FailOver();
        IsFailingOver = false;
        named = Sentinels[0].Named;
        foreach (var node in Alive.Where(n => n.Announced != named && n.MasterAddress != named).ToList()) Follow(node.Announced!, named);
        foreach (var node in Alive.ToList()) Replicate(node.Announced!);
        Log.Add($"Sentinels name {named.Host} in {Sentinels[0].ConfigEpoch}");
        Check();
    }

    /// <summary>Clients that follow each Sentinel, and some that have stayed at A, write; a server takes it if it may.</summary>
    public void ClientsWrite()
    {
        foreach (var at in Sentinels.Select(s => s.Named).Append(A).Distinct().Where(Accepts).ToList())
        {
            var write = _acknowledged.Count + 1;
            _data[at] = _data[at].Add(write);
            _acknowledged.Add(write);
        }
    }

    /// <summary>The repair of the sidecar beside this server; the lock says whether the coordinator lives.</summary>
    public void Repair(RedisEndpoint own, bool coordinator, Func<bool> isReached)
    {
        if (Dead.Contains(own)) return;
        var decision = HandOverRepairPolicy.Decide(new HandOverRepairFacts(From(own), coordinator, own == A ? Note : null));
        if (decision.IsAct) Log.Add($"{own.Host}: {decision.Code}");
        switch (decision)
        {
            case HandOverRepairDecision.Tell tell:
                var actor = new HandOverActor(this, tell.Target, tell.Replaces, $"r{++_repairs}-", isReached) { Learnt = _learnt };
                if (actor.Win()) actor.Announce();
                _learnt = actor.Learnt;
                break;
            case HandOverRepairDecision.Demote demote: Follow(own, demote.Master, demote.MinReplicas); break;
            case HandOverRepairDecision.SetMinReplicas set:
                if (own == A) Note = null;
                SetMinReplicas(own, set.Value);
                break;
            case HandOverRepairDecision.Forget: Note = null; break;
        }

        Check();
    }

    /// <summary>The fence of the sidecar beside this server, whose value has stood for so long.</summary>
    public void Fence(RedisEndpoint own, TimeSpan unchangedFor)
    {
        if (Dead.Contains(own)) return;
        var (node, quorum) = (((NodeObservation.Known)Look(own)).View, QuorumFacts.Of(Seen(), 3));
        var decision = FencePolicy.Decide(FailoverFacts.Healthy with
        {
            Server = new OwnServer.Answers
            {
                RunId = node.RunId,
                IsMaster = node.Role == NodeRole.Master,
                MasterAddress = node.MasterAddress,
                IsLinkUp = node.MasterLinkUp,
                FreshReplicas = node.Attached,
                MinReplicas = node.MinReplicas,
                MaxLag = 3
            },
            Address = own,
            Quorum = quorum with { RunIds = [] },
            ConfirmedEpoch = own == A ? 7 : null,
            ConfirmedFor = TimeSpan.FromMinutes(1),
            ContradictedFor = TimeSpan.FromMinutes(1),
            NamedFollowsMe = quorum.Named is { } named && named != own && !Dead.Contains(named) && this[named].MasterAddress == own,
            ValueUnchangedFor = unchangedFor,
            Replacement = node.Role == NodeRole.Master ? Replacement.Find(Seen(), own) : null,
            Doubt = node.Role == NodeRole.Master ? Replacement.Doubt(Seen(), own) : null,
            GivenUp = own == A && Note is not null ? GivenUp.Of(DiskFact<GivingUp>.Known(Note)) : null,
        });
        if (decision is not (FenceDecision.Keep or FenceDecision.Refuse)) Log.Add($"{own.Host}: {decision.Code}");
        if (decision is FenceDecision.Fence) SetMinReplicas(own, WriteFence.MinReplicas);
        if (decision is FenceDecision.Lift) SetMinReplicas(own, Three.MinReplicas);
        Check();
    }

    public string Story => string.Join(", ", Log);

    private bool IsMaster(RedisEndpoint at) => !Dead.Contains(at) && this[at].Role == NodeRole.Master;

    private bool Accepts(RedisEndpoint at) =>
        IsMaster(at) && !WriteFence.IsFenced(this[at].MinReplicas) && this[at].MinReplicas != WriteFence.StepDown
        && Attached(at) >= this[at].MinReplicas;

    private int Attached(RedisEndpoint at) => IsMaster(at) ? Alive.Count(n => n.Role == NodeRole.Replica && n.MasterAddress == at) : 0;

    // An election: votes of all in an epoch that none has voted in.
    private void FailOver()
    {
        var best = Alive.Where(n => n.Announced != Sentinels[0].Named).OrderByDescending(n => _data[n.Announced!].Count).First().Announced!;
        var epoch = Sentinels.Max(s => s.CurrentEpoch) + 1;
        foreach (var sentinel in Sentinels) sentinel.Vote(epoch, new string('b', 40));
        Promote(best, this[best].MinReplicas!.Value);
        foreach (var sentinel in Sentinels) Hear(sentinel, best, epoch, epoch);
        _told = null; // a later epoch, of Sentinel's own
    }

    // No epoch has two masters, whoever says so.
    private bool Hear(MemorySentinel sentinel, RedisEndpoint master, long epoch, long current)
    {
        Assert.True(_announced.GetValueOrDefault(epoch, master) == master,
            $"{master} and {_announced.GetValueOrDefault(epoch)} were announced in epoch {epoch}: {Story}");
        _announced[epoch] = master;
        return sentinel.Hear(master, epoch, current);
    }

    // Once a Sentinel was told of B, A takes no writes while B lives as master, unless a later epoch names A.
    private void Check()
    {
        if (_told is not { } told || told.Master == A || !IsMaster(told.Master)) return;
        Assert.False(Accepts(A), $"{told.Master} was announced in {told.Epoch} and A takes writes: {Story}");
    }

    private NodeObservation Look(RedisEndpoint at) =>
        Dead.Contains(at) ? Gone(at) : HandOverFacts.Seen(_nodes[at] with { Attached = Attached(at) });

    private SentinelObservation.Known ViewOf(MemorySentinel s) => new(SentinelAt(s.Number), new SentinelView
    {
        MyId = s.MyId,
        Master = new SentinelMaster
        {
            Address = s.Named,
            Monitored = s.Named,
            ConfigEpoch = s.ConfigEpoch,
            Flags = (Dead.Contains(s.Named) ? "master,s_down,o_down" : "master")
                + (IsFailingOver && s.Number == 1 ? ",failover_in_progress" : ""),
            FailoverState = IsFailingOver && s.Number == 1 ? "select_slave" : "",
            RunId = this[s.Named].RunId,
        },
        Replicas = [.. _nodes.Keys.Where(n => n != s.Named).Select(n => Listed(n, flags: Dead.Contains(n) ? "slave,s_down" : "slave"))],
        Others = [.. Sentinels.Where(o => o != s)
            .Select(o => new SentinelPeer { Address = SentinelAt(o.Number), MyId = o.MyId, Flags = "sentinel" })],
    });

    private void Set(RedisEndpoint at, Func<NodeLook, NodeLook> change)
    {
        if (!Dead.Contains(at)) _nodes[at] = change(_nodes[at]);
    }
}
