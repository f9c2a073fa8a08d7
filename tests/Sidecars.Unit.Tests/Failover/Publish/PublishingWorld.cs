using System.Collections.Concurrent;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>Three pods, each behind the address of a Service, what three Sentinels say of them, and one clock. A is master.</summary>
internal sealed class PublishingWorld : IAsyncDisposable
{
    public const int Port = 6379;

    public PublishingWorld()
    {
        (A, B, C) = (new PublishingNode(this, 0), new PublishingNode(this, 1), new PublishingNode(this, 2));
        A.IsMaster = true;
        Sentinels.Name(A);
        foreach (var node in Nodes) Recorded.Add(node.Addresses);
    }

    public static ClusterId Cluster { get; } =
        ClusterId.TryParse("demo/redis", out var cluster) ? cluster : throw new InvalidOperationException();

    public SteppedTime Time { get; } = new();

    public NamedBySentinels Sentinels { get; } = new();

    public PublishingNode A { get; }

    public PublishingNode B { get; }

    public PublishingNode C { get; }

    public PublishingNode[] Nodes => [A, B, C];

    /// <summary>What pods have recorded; <see cref="Unread"/>: why it is not known.</summary>
    public List<NodeAddresses> Recorded { get; } = [];

    public string? Unread { get; set; }

    /// <summary>What answers at a pod's address; nobody: the connection is refused.</summary>
    public IRespTransport At(RedisEndpoint endpoint) => Nodes.FirstOrDefault(n => n.Pod == endpoint && n.AnswersAtPod) is { } node
        ? new TcpTransport(node.PodServer.Endpoint)
        : throw new RedisConnectionException(RedisFailure.Refused, $"{endpoint}: connection refused");

    public QuorumFacts Quorum() => QuorumFacts.Of(Sentinels.Observe(), 3);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
    }
}

/// <summary>
/// One pod: its Redis, asked by the sidecar beside it and, at the pod's address, by others; and that sidecar's publishing.
/// </summary>
internal sealed class PublishingNode : IAsyncDisposable
{
    private readonly PublishingWorld _world;
    private readonly FakeRedisServer _beside;
    private int _starts;

    public PublishingNode(PublishingWorld world, int ordinal)
    {
        _world = world;
        (Name, Announced, Pod) = ($"redis-{ordinal}", new RedisEndpoint($"10.96.0.{ordinal + 1}", PublishingWorld.Port),
            new RedisEndpoint($"10.244.0.{ordinal + 1}", PublishingWorld.Port));
        _beside = FakeRedisServer.Answering(words => Answer(words, isOwn: true));
        PodServer = FakeRedisServer.Answering(words => Answer(words, isOwn: false));
        RunId = NextRunId();
        StartSidecar();
    }

    public string Name { get; }

    public RedisEndpoint Announced { get; }

    public RedisEndpoint Pod { get; set; }

    public NodeAddresses Addresses => new(Name, "uid-" + Name, Announced, Pod, Outside);

    public string? Outside => Pod.Host;

    public FakeRedisServer PodServer { get; }

    public bool IsMaster { get; set; }

    public string RunId { get; private set; }

    /// <summary>False: it accepts and answers nothing usable.</summary>
    public bool IsClear { get; set; } = true;

    public bool AnswersAtPod { get; set; } = true;

    public bool RefusesLogin { get; set; }

    public bool HasImpostor
    {
        get => Watch.HasImpostor;
        set => Watch.NoteImpostor(value);
    }

    /// <summary>ROLE and process of its last answer, to the sidecar beside it and to others.</summary>
    public (bool IsMaster, string RunId)? ToldOwn { get; private set; }

    public (bool IsMaster, string RunId)? ToldOthers { get; private set; }

    public OwnServerWatch Watch { get; private set; } = null!;

    public PublishLoop Loop { get; private set; } = null!;

    /// <summary>From the next start of the sidecar on.</summary>
    public IGroupTerm Term { get; set; } = new FixedTerm(1);

    public Told Sink { get; } = new();

    /// <summary>Another process with the role and the address that this one had.</summary>
    public void RestartServer(bool isMaster) => (RunId, IsMaster) = (NextRunId(), isMaster);

    /// <summary>The sidecar forgets all that it knew; places are made anew by <see cref="Over"/>.</summary>
    public void StartSidecar()
    {
        var hadImpostor = Watch is { HasImpostor: true };
        Watch = new OwnServerWatch(new OwnServerClient(() => new TcpTransport(_beside.Endpoint), Login, 3), isLoopback: true,
            TimeSpan.FromSeconds(1), _world.Time, () => 0.5);
        Watch.NoteImpostor(hadImpostor);
        Loop = new PublishLoop(
            new PublishSettings(Announced, new MasterAddresses(Outside, Pod), 3, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            Watch, _world.Sentinels, Term, Sink, _world.Time);
    }

    public AnotherMaster Another => new(
        _ => Task.FromResult(new AddressReading(_world.Unread is null ? [.. _world.Recorded] : [], _world.Unread)), _ => null,
        new NodeClient(_world.At, Login).ObserveAsync, _world.Quorum, Sink, _world.Time);

    /// <summary>This sidecar's publisher at a place.</summary>
    public PublisherLoop Over(ITargetWriter place) =>
        new(place, Loop, Another.FindAsync, new PublisherSettings(TimeSpan.FromSeconds(60), DryRun: false),
            new PublishMetrics(new MetricSet()), Sink, _world.Time, () => 0.5);

    /// <summary>Decides, and has a place follow.</summary>
    public async Task PublishAsync(PublisherLoop publisher)
    {
        await Loop.RoundAsync(default);
        await publisher.RoundAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        await _beside.DisposeAsync();
        await PodServer.DisposeAsync();
    }

    private static RedisClientOptions Login => new() { CommandTimeout = TimeSpan.FromMinutes(1), ConnectTimeout = TimeSpan.FromMinutes(1) };

    private string NextRunId() => $"{Name[^1]}{_starts++:x39}";

    private byte[]? Answer(IReadOnlyList<string> words, bool isOwn)
    {
        if (!isOwn && RefusesLogin) return FakeReply.Error("NOAUTH Authentication required.");
        if (!IsClear) return FakeReply.Error("ERR hangs");
        switch (words[0])
        {
            case "INFO":
                _ = isOwn ? ToldOwn = (IsMaster, RunId) : ToldOthers = (IsMaster, RunId);
                return FakeReply.Bulk(
                    $"run_id:{RunId}\r\nrole:{(IsMaster ? "master" : "slave\r\nmaster_host:10.96.0.9\r\nmaster_port:6379")}\r\n"
                    + $"loading:0\r\nmaster_replid:{new string('5', 40)}\r\nmaster_repl_offset:1\r\n");
            case "CONFIG":
                return FakeReply.Array("min-replicas-to-write", "1", "min-replicas-max-lag", "3", "replica-announce-ip", Announced.Host,
                    "replica-announce-port", "6379");
            default:
                return FakeReply.Ok;
        }
    }
}

/// <summary>Three Sentinels that agree, or do not answer.</summary>
internal sealed class NamedBySentinels : ISentinelViews
{
    private (RedisEndpoint Address, string RunId) _named;

    public Signal Changed { get; } = new();

    public long LastEventAt => 0;

    public long Epoch { get; private set; } = 3;

    public RedisEndpoint Named => _named.Address;

    public bool Answer { get; set; } = true;

    public void Name(PublishingNode node) => _named = (node.Announced, node.RunId);

    /// <summary>As a switch does it.</summary>
    public void Switch(PublishingNode node)
    {
        Epoch++;
        Name(node);
    }

    /// <summary>They have not heard yet which process is there.</summary>
    public void ForgetRunId() => _named.RunId = "";

    public IReadOnlyCollection<SentinelObservation> Observe() =>
        [.. Enumerable.Range(1, Answer ? 3 : 1)
            .Select(n => new SentinelObservation.Known(new RedisEndpoint($"10.0.1.{n}", 26379), new SentinelView
            {
                MyId = new string((char)('a' + n), 40),
                Master = new SentinelMaster { Address = _named.Address, ConfigEpoch = Epoch, Flags = "master", RunId = _named.RunId },
            }))];

    public TimeSpan? AnsweredAgo(int votes) => votes <= (Answer ? 3 : 1) ? TimeSpan.Zero : null;
}

/// <summary>Keeps what a sidecar decided and did.</summary>
internal sealed class Told : IDecisionSink
{
    public ConcurrentQueue<(string Loop, string Code)> Decisions { get; } = [];

    public List<(string Loop, string Code)> Refused { get; } = [];

    public List<(string Loop, string Code)> Done { get; } = [];

    public List<(string Loop, string Code)> NotDone { get; } = [];

    public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
    {
        Decisions.Enqueue((loop, code));
        if (isRefusal) Refused.Add((loop, code));
    }

    public void Acted(string loop, string code, string detail, string? failure) => (failure is null ? Done : NotDone).Add((loop, code));
}
