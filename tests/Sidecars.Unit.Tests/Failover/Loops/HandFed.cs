using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;
using Sidecars.Unit.Tests.Failover.HandOver;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The watch of the own server, fed by hand: it says what it was told, and a look finds the same.</summary>
internal sealed class HandServer : IOwnServerNotes
{
    private readonly VirtualTime _time;
    private OwnServer _last = new OwnServer.Silent("no poll has completed yet");
    private OwnServer.Answers? _lastAnswer;
    private long _answeredAt;

    public HandServer(VirtualTime time)
    {
        _time = time;
        LookAt = _ => Task.FromResult(Last);
    }

    public Signal Changed { get; } = new();

    public RedisEndpoint? Address { get; set; } = MemoryGroup.Me;

    public OwnServer Last => Volatile.Read(ref _last);

    public OwnServer.Answers? LastAnswer => Volatile.Read(ref _lastAnswer);

    public TimeSpan? AnsweredAgo => LastAnswer is null ? null : _time.GetElapsedTime(_answeredAt);

    public bool HasImpostor { get; private set; }

    /// <summary>The last whole look; null: none.</summary>
    public NodeLook? Look { get; set; }

    /// <summary>What a look does and finds.</summary>
    public Func<CancellationToken, Task<OwnServer>> LookAt { get; set; }

    /// <summary>Processes that the kernel was seen to end.</summary>
    public List<string> Ended { get; } = [];

    /// <summary>It is so from now on, and everybody hears of it.</summary>
    public void Say(OwnServer server)
    {
        Note(server);
        Changed.Raise();
    }

    public async Task<OwnServer> LookAsync(CancellationToken cancellation)
    {
        var found = await LookAt(cancellation);
        Note(found);
        return found;
    }

    public NodeLook? LookWithin(TimeSpan age) => Look;

    public void NoteResolved(RedisEndpoint address) => Address = address;

    public void NoteImpostor(bool hasImpostor) => HasImpostor = hasImpostor;

    public void NoteEnding(string runId) => Ended.Add(runId);

    private void Note(OwnServer server)
    {
        if (server is OwnServer.Answers answers) (_lastAnswer, _answeredAt) = (answers, _time.GetTimestamp());
        Volatile.Write(ref _last, server);
    }
}

/// <summary>The watch of three Sentinels, fed by hand.</summary>
internal sealed class HandSentinels : ISentinelViews
{
    private (RedisEndpoint Master, long Epoch) _named = (MemoryGroup.Me, 3);
    private int _answering = 3;

    public Signal Changed { get; } = new();

    public long LastEventAt => 0;

    /// <summary>Those that they list while the own server is named.</summary>
    public RedisEndpoint[] Replicas { get; set; } = [MemoryGroup.Other];

    /// <summary>Flags of a replica that is more than <c>slave</c>.</summary>
    public Dictionary<RedisEndpoint, string> Flags { get; } = [];

    /// <summary>Thrown by the next look, once.</summary>
    public Exception? Throws { get; set; }

    /// <summary>So many of them answer, and name this master, from now on.</summary>
    public void Name(RedisEndpoint master, long epoch, int answering = 3)
    {
        (_named, _answering) = ((master, epoch), answering);
        Changed.Raise();
    }

    public IReadOnlyCollection<SentinelObservation> Observe()
    {
        if (Throws is { } thrown)
        {
            Throws = null;
            throw thrown;
        }

        return [.. Enumerable.Range(1, _answering)
            .Select(n => new SentinelObservation.Known(new RedisEndpoint($"10.0.1.{n}", 26379), View(n)))];
    }

    public TimeSpan? AnsweredAgo(int votes) => votes <= _answering ? TimeSpan.Zero : null;

    private SentinelView View(int n) => new()
    {
        MyId = MemorySentinel.IdOf(n),
        Master = new SentinelMaster { Address = _named.Master, ConfigEpoch = _named.Epoch, Flags = "master" },
        Replicas = [.. (_named.Master == MemoryGroup.Me ? Replicas : [MemoryGroup.Me]).Select(ReplicaAt)],
    };

    private SentinelReplica ReplicaAt(RedisEndpoint address) =>
        new() { Address = address, Flags = Flags.GetValueOrDefault(address, "slave"), Priority = 100, MasterLinkStatus = "ok" };
}
