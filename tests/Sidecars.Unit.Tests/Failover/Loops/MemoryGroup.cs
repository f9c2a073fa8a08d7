using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Death;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Fence;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>The loops of one sidecar beside a master or a replica, three Sentinels and two other nodes: all in memory, under a virtual clock.</summary>
internal sealed class MemoryGroup : IAsyncDisposable
{
    public static readonly RedisEndpoint Me = new("10.0.0.1", 6379);
    public static readonly RedisEndpoint Other = new("10.0.0.2", 6379);
    public static readonly string RunId = new('a', 40);
    private const string MasterName = "tenant/shop";

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly RedisClientOptions _options;
    private readonly OwnServerClient _client;
    private readonly SentinelClient _sentinelClient;
    private readonly NodeClient _nodes;

    public MemoryGroup(TimeSpan sentinelPeriod)
    {
        _options = new RedisClientOptions { Time = Time };
        Redis = new MemoryServer(Me, Answer);
        Replica = new MemoryServer(Other, AnswerOfReplica);
        Sentinels = [.. Enumerable.Range(1, 3).Select(n => new MemoryServer(new RedisEndpoint($"10.0.1.{n}", 26379), words => AnswerOfSentinel(n, words)))];
        Supervisor = new Supervisor(new BackoffSchedule(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30)), (name, e) => Failures.Enqueue($"{name}: {e.Message}"), Time, () => 0.5);
        _client = new OwnServerClient(() => Redis, _options, freshLag: 3);
        Server = new OwnServerWatch(_client, isLoopback: true, TimeSpan.FromSeconds(1), Time, () => 0.5);
        _sentinelClient = new SentinelClient(To, _options, MasterName);
        Watch = new SentinelWatch(
            _ => Task.FromResult<ImmutableArray<RedisEndpoint>>([.. Sentinels.Select(s => s.Endpoint)]), To, _options, _sentinelClient,
            new SentinelWatchSettings(sentinelPeriod, sentinelPeriod * 4, sentinelPeriod * 6), Supervisor.KeepAsync, Time);
        _nodes = new NodeClient(To, _options);
        Fence = FenceOf(Server, Watch);
        Death = DeathOf(Server, Watch, () => null);
        Publishing = new PublishLoop(
            new PublishSettings(Me, new MasterAddresses("10.0.0.1", Me), 3, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            Server, Watch, () => 1, Sink, Time);
        HandOver = new HandOverGroup(
            new GroupAddresses([.. Sentinels.Select(s => s.Endpoint)], [Me, Other], TimeSpan.FromSeconds(1)), Me,
            new HandOverSettings { SentinelCount = 3, RedisCount = 3, DownAfter = TimeSpan.FromSeconds(5), MinReplicas = 1, Priority = 100 },
            _sentinelClient, new HandOverClient(To, _options), Time);
        StrayReplica = dryRun => new StrayReplicaLoop(HandOver, Server, Watch, () => false, TimeSpan.FromSeconds(1), dryRun, Sink, Time);
    }

    public VirtualTime Time { get; } = new();

    public MemoryServer Redis { get; }

    public MemoryServer Replica { get; }

    public IReadOnlyList<MemoryServer> Sentinels { get; }

    public Supervisor Supervisor { get; }

    public OwnServerWatch Server { get; }

    public SentinelWatch Watch { get; }

    public FenceLoop Fence { get; }

    public DeathLoop Death { get; }

    public PublishLoop Publishing { get; }

    /// <summary>How a hand-over sees this group.</summary>
    public HandOverGroup HandOver { get; }

    /// <summary>Makes it; true: it changes nothing.</summary>
    public Func<bool, StrayReplicaLoop> StrayReplica { get; }

    public RecordingSink Sink { get; } = new();

    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Commands that change anything, in order.</summary>
    public ConcurrentQueue<string> Changes { get; } = new();

    /// <summary>Whom the Sentinels name, and in which epoch.</summary>
    public (RedisEndpoint Master, long Epoch) Named { get; set; } = (Me, 3);

    /// <summary>Whom the own server follows; null: it is master.</summary>
    public RedisEndpoint? Follows { get; set; }

    /// <summary>False: no Sentinel knows the own server where another is master.</summary>
    public bool ListsMe { get; set; } = true;

    /// <summary>What a Sentinel answers to FAILOVER.</summary>
    public byte[] FailoverReply { get; set; } = FakeReply.Simple("OK");

    /// <summary>A fence that hears of the server and of the Sentinels by these.</summary>
    public FenceLoop FenceOf(IOwnServerNotes server, ISentinelViews sentinels, bool dryRun = false) => new(
        new FenceSettings(3, 3, 1, 3, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), dryRun),
        server, _client, sentinels, _nodes, () => null, () => null, Sink, Time);

    /// <summary>The same of the loop that hands a death over.</summary>
    public DeathLoop DeathOf(IOwnServer server, ISentinelViews sentinels, Func<DateTime?> heartbeat, bool dryRun = false) =>
        new(server, sentinels, _sentinelClient, _nodes, 3, heartbeat, dryRun, Sink, Time);

    /// <summary>Keeps each of these running from now on.</summary>
    public void Start(params (string Name, Func<CancellationToken, Task> Loop)[] loops)
    {
        foreach (var (name, loop) in loops) _running.Add(Supervisor.KeepAsync(name, loop, _stop.Token));
    }

    public IRespTransport To(RedisEndpoint endpoint) =>
        endpoint == Me ? Redis : endpoint == Other ? Replica : Sentinels.Single(s => s.Endpoint == endpoint);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private byte[] Answer(IReadOnlyList<string> words)
    {
        switch (words[0])
        {
            case "INFO" when Follows is { } master:
                return FakeReply.Bulk($"run_id:{RunId}\r\nrole:slave\r\nmaster_host:{master.Host}\r\nmaster_port:{master.Port}\r\nmaster_link_status:up\r\nslave_repl_offset:100\r\nmaster_replid:{new string('c', 40)}\r\nloading:0\r\n");
            case "ROLE" when Follows is { } master:
                return FakeReply.Array(FakeReply.Bulk("slave"), FakeReply.Bulk(master.Host), FakeReply.Integer(master.Port), FakeReply.Bulk("connected"), FakeReply.Integer(100));
            case "CLIENT":
                return FakeReply.Integer(7);
            case "REPLICAOF":
                Changes.Enqueue(string.Join(' ', words));
                Follows = new RedisEndpoint(words[1], int.Parse(words[2], CultureInfo.InvariantCulture));
                return FakeReply.Simple("QUEUED");
            case "CONFIG" when words[1] == "REWRITE":
                Changes.Enqueue(string.Join(' ', words));
                return FakeReply.Simple("QUEUED");
            case "EXEC":
                return FakeReply.Array(FakeReply.Ok, FakeReply.Ok);
            case "INFO":
                return FakeReply.Bulk($"# Server\r\nrun_id:{RunId}\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0\r\n"
                    + $"slave1:ip=10.0.0.3,port=6379,state=online,offset=100,lag=0\r\nmaster_replid:{new string('c', 40)}\r\nmaster_repl_offset:100\r\n# Persistence\r\nloading:0\r\n");
            case "ROLE":
                return FakeReply.Array(FakeReply.Bulk("master"), FakeReply.Integer(100), FakeReply.Array(Array.Empty<byte[]>()));
            case "CONFIG" when words[1] == "GET":
                return FakeReply.Array("replica-priority", "100", "min-replicas-to-write", MinReplicas, "min-replicas-max-lag", "3", "replica-announce-ip", Announces?.Host ?? "", "replica-announce-port", (Announces?.Port ?? 0).ToString(CultureInfo.InvariantCulture));
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

    private byte[] AnswerOfReplica(IReadOnlyList<string> words) => words[0] switch
    {
        "INFO" when Named.Master == Other => FakeReply.Bulk($"run_id:{new string('b', 40)}\r\nrole:master\r\nmaster_repl_offset:100\r\nmaster_replid:{new string('d', 40)}\r\nmaster_replid2:{new string('c', 40)}\r\nsecond_repl_offset:101\r\nloading:0\r\n"),
        "INFO" => FakeReply.Bulk($"run_id:{new string('b', 40)}\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nslave_repl_offset:100\r\nmaster_replid:{new string('c', 40)}\r\nloading:0\r\n"),
        "CONFIG" => FakeReply.Array("replica-priority", "100", "min-replicas-to-write", "1", "min-replicas-max-lag", "3", "replica-announce-ip", "10.0.0.2", "replica-announce-port", "6379"),
        _ => FakeReply.Simple("OK"),
    };

    private byte[] AnswerOfSentinel(int n, IReadOnlyList<string> words)
    {
        var (master, epoch) = Named;
        var port = master.Port.ToString(CultureInfo.InvariantCulture);
        var replica = master == Me ? Other : Me;
        switch (words[0] + " " + (words.Count > 1 ? words[1] : ""))
        {
            case "SENTINEL MYID": return FakeReply.Bulk(MyId(n));
            case "SENTINEL GET-MASTER-ADDR-BY-NAME": return FakeReply.Array(master.Host, port);
            case "SENTINEL MASTER":
                return FakeReply.Array("name", MasterName, "ip", master.Host, "port", port, "runid", master == Me ? RunId : new string('b', 40), "flags", "master",
                    "config-epoch", epoch.ToString(CultureInfo.InvariantCulture), "quorum", "2", "role-reported", "master");
            case "SENTINEL REPLICAS" when replica == Me && !ListsMe: return FakeReply.Array(Array.Empty<byte[]>());
            case "SENTINEL REPLICAS":
                return FakeReply.Array(FakeReply.Array("ip", replica.Host, "port", "6379", "runid", new string('b', 40), "flags", "slave", "slave-priority", "100", "slave-repl-offset", "100", "info-refresh", "100", "master-link-status", "ok"));
            case "SENTINEL SENTINELS":
                return FakeReply.Array([.. Enumerable.Range(1, 3).Where(o => o != n).Select(o => FakeReply.Array("ip", $"10.0.1.{o}", "port", "26379", "runid", MyId(o), "flags", "sentinel"))]);
            case "SENTINEL FAILOVER":
                Changes.Enqueue($"FAILOVER at {n}");
                return FailoverReply;
            case "INFO sentinel": return FakeReply.Bulk("# Sentinel\r\nsentinel_tilt:0\r\n");
            case "PING ": return FakeReply.Array("pong", "");
            case "SUBSCRIBE +switch-master":
                return Encoding.Latin1.GetBytes(string.Concat(words.Skip(1).Select((channel, i) => $"*3\r\n$9\r\nsubscribe\r\n${channel.Length}\r\n{channel}\r\n:{i + 1}\r\n")));
            default: return FakeReply.Error($"ERR unknown command '{words[0]}'");
        }
    }

    private static string MyId(int n) => new((char)('0' + n), 40);

    /// <summary>What the loops decided and did.</summary>
    public sealed class RecordingSink : IDecisionSink
    {
        private readonly ConcurrentDictionary<string, string> _codes = new();

        /// <summary>The last decision of a loop.</summary>
        public string? this[string loop] => _codes.GetValueOrDefault(loop);

        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot) => _codes[loop] = code;

        public void Acted(string loop, string code, string detail, string? failure) => _codes[loop + "!"] = code + (failure is null ? "" : ": " + failure);
    }
}
