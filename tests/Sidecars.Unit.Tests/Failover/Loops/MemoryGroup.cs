using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Sentinel.Leadership;
using Sidecars.Core.Succession;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Fence;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;
using Sidecars.Unit.Tests.Failover.HandOver;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>
/// The loops of one sidecar beside a master or a replica, three Sentinels and two replicas: all in memory, under a virtual clock.
/// </summary>
internal sealed class MemoryGroup : IAsyncDisposable
{
    public static readonly RedisEndpoint Me = new("10.0.0.1", 6379);
    public static readonly RedisEndpoint Other = new("10.0.0.2", 6379);
    public static readonly RedisEndpoint Third = new("10.0.0.3", 6379);
    public static readonly string RunId = new('a', 40);
    public static readonly string ReplicaRunId = new('b', 40);
    public static readonly string ThirdRunId = new('e', 40);
    private const string MasterName = "tenant/shop";

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly RedisClientOptions _options;
    private readonly OwnServerClient _client;
    private readonly SentinelClient _sentinelClient;
    private readonly NodeClient _nodes;
    private readonly MemorySentinel[] _states = [.. Enumerable.Range(1, 3).Select(n => new MemorySentinel(n, epoch: 3))];

    // A write is answered on the thread that sends it, and a transaction is one write.
    [ThreadStatic]
    private static int _queued;

    private bool _isPromoted;
    private bool _isEnding;

    public MemoryGroup(TimeSpan sentinelPeriod, string dataDirectory = "/nowhere")
    {
        _options = new RedisClientOptions { Time = Time };
        Redis = new MemoryServer(Me, Answer);
        Replica = new MemoryServer(Other, AnswerOfReplica);
        ThirdNode = new MemoryServer(Third, AnswerOfThird);
        Sentinels = [.. Enumerable.Range(1, 3)
            .Select(n => new MemoryServer(new RedisEndpoint($"10.0.1.{n}", 26379), words => AnswerOfSentinel(n, words)))];
        Supervisor = new Supervisor(new BackoffSchedule(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30)),
            (name, e) => Failures.Enqueue($"{name}: {e.Message}"), Time, () => 0.5);
        _client = new OwnServerClient(() => Redis, _options, freshLag: 3);
        Server = new OwnServerWatch(_client, isLoopback: true, TimeSpan.FromSeconds(1), Time, () => 0.5);
        _sentinelClient = new SentinelClient(To, _options, MasterName);
        Watch = new SentinelWatch(
            _ => Task.FromResult<ImmutableArray<RedisEndpoint>>([.. Sentinels.Select(s => s.Endpoint)]), To, _options, _sentinelClient,
            new SentinelWatchSettings(sentinelPeriod, sentinelPeriod * 4, sentinelPeriod * 6), Supervisor.KeepAsync, Time);
        _nodes = new NodeClient(To, _options);
        var leadership = new SentinelLeadership(_sentinelClient.ObserveAsync, new LeadershipClient(To, _options, MasterName), Time);
        Succession = new SuccessionRunner(leadership, To, _options);
        Fence = FenceOf(Server, Watch);
        Death = DeathOf(Server, Watch, () => null);
        Publishing = new PublishLoop(
            new PublishSettings(Me, new MasterAddresses("10.0.0.1", Me), 3, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            Server, Watch, new Publish.FixedTerm(1), Sink, Time);
        HandOver = new HandOverGroup(
            new GroupAddresses([.. Sentinels.Select(s => s.Endpoint)], [Me, Other], TimeSpan.FromSeconds(1)), Me,
            new HandOverSettings { SentinelCount = 3, RedisCount = 3, DownAfter = TimeSpan.FromSeconds(5), MinReplicas = 1 },
            _sentinelClient, new HandOverClient(To, _options), leadership, dataDirectory, Time);
        StrayReplica = dryRun => new StrayReplicaLoop(HandOver, Server, Watch, () => false, TimeSpan.FromSeconds(1), dryRun, Sink, Time);
    }

    public VirtualTime Time { get; } = new();

    public MemoryServer Redis { get; }

    /// <summary>What the own announced address leads to from here; null: to <see cref="Redis"/>, as everybody else finds it.</summary>
    public MemoryServer? AtAnnounced { get; init; }

    public MemoryServer Replica { get; }

    /// <summary>A second replica; it has less than <see cref="Replica"/>.</summary>
    public MemoryServer ThirdNode { get; }

    public IReadOnlyList<MemoryServer> Sentinels { get; }

    public Supervisor Supervisor { get; }

    public OwnServerWatch Server { get; }

    public SentinelWatch Watch { get; }

    public FenceLoop Fence { get; }

    public DeathLoop Death { get; }

    /// <summary>Promotes a replica and tells these Sentinels.</summary>
    public SuccessionRunner Succession { get; }

    public PublishLoop Publishing { get; }

    /// <summary>How a hand-over sees this group.</summary>
    public HandOverGroup HandOver { get; }

    /// <summary>Makes it; true: it changes nothing.</summary>
    public Func<bool, StrayReplicaLoop> StrayReplica { get; }

    public RecordingSink Sink { get; } = new();

    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Commands that change anything, in order.</summary>
    public ConcurrentQueue<string> Changes { get; } = new();

    /// <summary>Whom the Sentinels name, and in which epoch; after an announcement that reached a part of them, the first one.</summary>
    public (RedisEndpoint Master, long Epoch) Named
    {
        get => (_states[0].Named, _states[0].ConfigEpoch);
        set
        {
            _isPromoted = value.Master == Other;
            foreach (var state in _states) state.Name(value.Master, value.Epoch);
        }
    }

    /// <summary>Whoever publishes at a Sentinel without being one that it knows: each would be a new voter.</summary>
    public ConcurrentQueue<string> Strangers { get; } = new();

    /// <summary>What a Sentinel answers to PUBLISH instead of taking the hello; null: it takes it.</summary>
    public byte[]? HelloReply { get; set; }

    /// <summary>Whom the own server follows; null: it is master.</summary>
    public RedisEndpoint? Follows { get; set; }

    /// <summary>False: no Sentinel knows the own server where another is master.</summary>
    public bool ListsMe { get; set; } = true;

    /// <summary>The master that every Sentinel holds for down; null: none.</summary>
    public RedisEndpoint? Down { get; set; }

    /// <summary>What a Sentinel answers to FAILOVER.</summary>
    public byte[] FailoverReply { get; set; } = FakeReply.Simple("OK");

    /// <summary>What the fence is told of the note that this server gives up; null: there is none.</summary>
    public GivenUp? GivenUp { get; set; }

    /// <summary>A fence that hears of the server and of the Sentinels by these.</summary>
    public FenceLoop FenceOf(IOwnServerNotes server, ISentinelViews sentinels, bool dryRun = false) => new(
        new FenceSettings(3, 3, 1, 3, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), dryRun),
        server, _client, sentinels, _nodes, () => null, () => null, () => GivenUp, Sink, Time);

    /// <summary>The same of the loop that hands a death over.</summary>
    public DeathLoop DeathOf(IOwnServer server, ISentinelViews sentinels, Func<DateTime?> heartbeat, bool dryRun = false,
        Func<RedisEndpoint, bool>? isForeign = null) =>
        new(server, sentinels, _sentinelClient, _nodes, Succession, 3, heartbeat, dryRun, Sink, Time, null, isForeign);

    /// <summary>The loop that replaces a master of which nobody else takes care.</summary>
    public AbandonedLoop Abandoned(GroupMembers? members = null) =>
        new(Server, Watch, _sentinelClient, _nodes, Succession, 3, dryRun: false, Sink, Time, members);

    /// <summary>Every Sentinel publishes this event.</summary>
    public void Tell(string channel)
    {
        foreach (var sentinel in Sentinels) sentinel.Publish(FakeReply.Message(channel, MasterName));
    }

    /// <summary>The watch has seen that every Sentinel holds the master for down.</summary>
    public bool IsSeenDown() => Watch.Observe().Count(o => o is SentinelObservation.Known { View.Master.SubjectivelyDown: true }) == 3;

    /// <summary>Keeps each of these running from now on.</summary>
    public void Start(params (string Name, Func<CancellationToken, Task> Loop)[] loops)
    {
        foreach (var (name, loop) in loops) _running.Add(Supervisor.KeepAsync(name, loop, _stop.Token));
    }

    public IRespTransport To(RedisEndpoint endpoint) =>
        endpoint == Me ? AtAnnounced ?? Redis : endpoint == Other ? Replica : endpoint == Third ? ThirdNode : Sentinels.Single(
            s => s.Endpoint == endpoint);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private byte[] Answer(IReadOnlyList<string> words)
    {
        _queued++;
        switch (words[0])
        {
            case "MULTI":
                _queued = 0;
                return FakeReply.Ok;
            case "INFO" when Follows is { } master:
                return FakeReply.Bulk($"run_id:{RunId}\r\nrole:slave\r\nmaster_host:{master.Host}\r\nmaster_port:{master.Port}\r\n"
                    + $"master_link_status:up\r\nslave_repl_offset:100\r\nmaster_replid:{new string('c', 40)}\r\nloading:0\r\n");
            case "ROLE" when Follows is { } master:
                return FakeReply.Array(FakeReply.Bulk("slave"), FakeReply.Bulk(master.Host), FakeReply.Integer(master.Port),
                    FakeReply.Bulk("connected"), FakeReply.Integer(100));
            case "CLIENT":
                return FakeReply.Integer(7);
            case "REPLICAOF" when words[1] == "NO":
                Changes.Enqueue($"{string.Join(' ', words)} at {Me.Host}");
                if (PromotionReply is { } no) return no;
                Follows = null;
                return FakeReply.Ok;
            case "REPLICAOF":
                Changes.Enqueue(string.Join(' ', words));
                Follows = new RedisEndpoint(words[1], int.Parse(words[2], CultureInfo.InvariantCulture));
                return FakeReply.Simple("QUEUED");
            case "CONFIG" when words[1] == "REWRITE":
                Changes.Enqueue(string.Join(' ', words));
                return FakeReply.Simple("QUEUED");
            case "EXEC":
                return FakeReply.Array([.. Enumerable.Repeat(FakeReply.Ok, _queued - 1)]);
            case "INFO":
                return FakeReply.Bulk(
                    $"# Server\r\nrun_id:{RunId}\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0\r\n"
                        + $"slave1:ip=10.0.0.3,port=6379,state=online,offset=100,lag=0\r\nmaster_replid:{new string('c', 40)}\r\nmaster_repl_offset:100\r\n# Persistence\r\nloading:0\r\n");
            case "ROLE":
                return FakeReply.Array(FakeReply.Bulk("master"), FakeReply.Integer(100), FakeReply.Array(Array.Empty<byte[]>()));
            case "CONFIG" when words[1] == "GET":
                return FakeReply.Array(
                    "replica-priority", "100", "min-replicas-to-write", MinReplicas, "min-replicas-max-lag", "3", "replica-announce-ip",
                    Announces?.Host ?? "", "replica-announce-port", (Announces?.Port ?? 0).ToString(CultureInfo.InvariantCulture));
            case "CONFIG":
                Changes.Enqueue(string.Join(' ', words));
                MinReplicas = words[3];
                return FakeReply.Simple("OK");
            default:
                return FakeReply.Simple("OK");
        }
    }

    /// <summary><c>min-replicas-to-write</c> of the own server.</summary>
    public string MinReplicas { get; set; } = "1";

    /// <summary>What the own server announces; null: nothing.</summary>
    public RedisEndpoint? Announces { get; set; } = Me;

    private byte[] AnswerOfReplica(IReadOnlyList<string> words)
    {
        switch (words[0])
        {
            case "INFO" when _isPromoted:
                return FakeReply.Bulk(
                    $"run_id:{ReplicaRunId}\r\nrole:master\r\nmaster_repl_offset:100\r\nmaster_replid:{new string('d', 40)}\r\n"
                    + $"master_replid2:{new string('c', 40)}\r\nsecond_repl_offset:101\r\nloading:0\r\n");
            case "INFO":
                return Following(ReplicaRunId, 100);
            case "CONFIG":
                return Settings(Other, _isEnding ? 0 : 100);
            case "REPLICAOF":
                Changes.Enqueue($"{string.Join(' ', words)} at {Other.Host}");
                _isEnding = EndsBeforePromotion;
                if (PromotionReply is { } refusal) return refusal;
                _isPromoted = words[1] == "NO";
                if (PromotionAnswerIsLost) Replica.EndAll();
                return FakeReply.Ok;
            default:
                return FakeReply.Ok;
        }
    }

    private byte[] AnswerOfThird(IReadOnlyList<string> words)
    {
        if (words[0] == "REPLICAOF") Changes.Enqueue($"{string.Join(' ', words)} at {Third.Host}");
        return words[0] switch
        {
            "INFO" => Following(ThirdRunId, 90),
            "CONFIG" => Settings(Third, 100),
            _ => FakeReply.Ok,
        };
    }

    /// <summary>The first replica was promoted, and no Sentinel knows it.</summary>
    public void Promote() => _isPromoted = true;

    /// <summary>The connection ends when the first replica has carried REPLICAOF out.</summary>
    public bool PromotionAnswerIsLost { get; set; }

    /// <summary>The first replica's container ends: it has said so when the promotion arrives, and not before.</summary>
    public bool EndsBeforePromotion { get; set; }

    /// <summary>A Sentinel that takes a new master answers nothing any more.</summary>
    public bool AnnouncementsAreMute { get; set; }

    /// <summary>What the own server and the first replica answer to REPLICAOF NO ONE; null: they obey.</summary>
    public byte[]? PromotionReply { get; set; }

    private static byte[] Following(string runId, long offset) =>
        FakeReply.Bulk(
            $"run_id:{runId}\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nslave_repl_offset:"
            + $"{offset}\r\nmaster_replid:{new string('c', 40)}\r\nloading:0\r\n");

    private static byte[] Settings(RedisEndpoint at, int priority) => FakeReply.Array(
        "replica-priority", priority.ToString(CultureInfo.InvariantCulture), "min-replicas-to-write", "1",
        "min-replicas-max-lag", "3", "replica-announce-ip", at.Host, "replica-announce-port", "6379");

    private byte[] AnswerOfSentinel(int n, IReadOnlyList<string> words)
    {
        var (state, replica) = (_states[n - 1], _states[n - 1].Named == Me ? Other : Me);
        var (master, port) = (state.Named, state.Named.Port.ToString(CultureInfo.InvariantCulture));
        switch (words[0] + " " + (words.Count > 1 ? words[1] : ""))
        {
            case "SENTINEL MYID": return FakeReply.Bulk(state.MyId);
            case "SENTINEL GET-MASTER-ADDR-BY-NAME": return FakeReply.Array(master.Host, port);
            case "SENTINEL MASTER":
                return FakeReply.Array(
                    "name", MasterName, "ip", master.Host, "port", port, "runid", master == Me ? RunId : ReplicaRunId, "flags",
                    master == Down ? "master,s_down" : "master",
                    "config-epoch", state.ConfigEpoch.ToString(CultureInfo.InvariantCulture), "quorum", "2", "role-reported", "master");
            case "SENTINEL REPLICAS" when replica == Me && !ListsMe: return FakeReply.Array(Array.Empty<byte[]>());
            case "SENTINEL REPLICAS":
                return FakeReply.Array(FakeReply.Array("ip", replica.Host, "port", "6379", "runid", ReplicaRunId, "flags", "slave",
                    "slave-priority", "100", "slave-repl-offset", "100", "info-refresh", "100", "master-link-status", "ok"));
            case "SENTINEL SENTINELS":
                return FakeReply.Array([.. Enumerable.Range(1, 3).Where(o => o != n).Select(
                    o => FakeReply.Array("ip", $"10.0.1.{o}", "port", "26379", "runid", MemorySentinel.IdOf(o), "flags", "sentinel"))]);
            case "SENTINEL FAILOVER":
                Changes.Enqueue($"FAILOVER at {n}");
                return FailoverReply;
            case "SENTINEL IS-MASTER-DOWN-BY-ADDR":
                // Whoever asks for another address gets no vote.
                var vote = words[2] == master.Host && words[3] == port && words[5] != "*"
                    ? state.Vote(long.Parse(words[4], CultureInfo.InvariantCulture), words[5])
                    : new VoteAnswer.Cast("*", 0);
                return FakeReply.Array(FakeReply.Integer(0), FakeReply.Bulk(vote.Leader), FakeReply.Integer(vote.LeaderEpoch));
            case $"PUBLISH {HelloMessage.Channel}": return HelloReply ?? Hear(n, words[2].Split(','));
            case "PUBLISH ": return FakeReply.Error("ERR Only HELLO messages are accepted by Sentinel instances.");
            case "INFO sentinel": return FakeReply.Bulk("# Sentinel\r\nsentinel_tilt:0\r\n");
            case "PING ": return FakeReply.Array("pong", "");
            case "SUBSCRIBE +switch-master":
                return Encoding.Latin1.GetBytes(string.Concat(
                    words.Skip(1).Select((channel, i) => $"*3\r\n$9\r\nsubscribe\r\n${channel.Length}\r\n{channel}\r\n:{i + 1}\r\n")));
            default: return FakeReply.Error($"ERR unknown command '{words[0]}'");
        }
    }

    // ip, port, run id, current epoch, master's name, ip, port and config epoch. The address is changed, and said, before the answer.
    private byte[] Hear(int n, string[] hello)
    {
        if (hello.Length != 8 || hello[4] != MasterName) return FakeReply.Integer(1);
        var isKnown = Enumerable.Range(1, 3)
            .Any(o => o != n && (hello[0], hello[1], hello[2]) == ($"10.0.1.{o}", "26379", MemorySentinel.IdOf(o)));
        if (!isKnown) Strangers.Enqueue(string.Join(',', hello));
        var master = new RedisEndpoint(hello[5], int.Parse(hello[6], CultureInfo.InvariantCulture));
        var before = _states[n - 1].Named;
        if (!_states[n - 1]
            .Hear(master, long.Parse(hello[7], CultureInfo.InvariantCulture), long.Parse(hello[3], CultureInfo.InvariantCulture)))
            return FakeReply.Integer(1);
        Changes.Enqueue($"told at {n}: {master.Host} in {hello[7]}");
        Sentinels[n - 1].IsMute |= AnnouncementsAreMute;
        if (before != master)
            Sentinels[n - 1]
                .Publish(FakeReply.Message("+switch-master", $"{MasterName} {before.Host} {before.Port} {master.Host} {master.Port}"));
        return FakeReply.Integer(1);
    }

    /// <summary>What the loops decided and did.</summary>
    public sealed class RecordingSink : IDecisionSink
    {
        private readonly ConcurrentDictionary<string, string> _codes = new();

        /// <summary>The last decision of a loop.</summary>
        public string? this[string loop] => _codes.GetValueOrDefault(loop);

        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot) => _codes[loop] = code;

        public void Acted(string loop, string code, string detail, string? failure) =>
            _codes[loop + "!"] = code + (failure is null ? "" : ": " + failure);
    }
}
