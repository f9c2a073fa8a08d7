using Sidecars.Core.Redis;
using Sidecars.Probe.Policy;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>
/// Gathers the facts, within one deadline and over one connection to the server at a time. A healthy liveness probe is
/// one PING, a readiness probe one packet of questions; what explains an error is asked only after it.
/// </summary>
/// <param name="request">What to ask.</param>
/// <param name="time">For the deadline, and for the age of the heartbeat.</param>
public sealed class ProbeReader(ProbeRequest request, TimeProvider time)
{
    private static readonly RespCommand Ping = RespCommand.Of("PING");
    private static readonly RespCommand Role = RespCommand.Of("ROLE");

    // Refused for its arity before anything else is looked at: login, CLIENT PAUSE, a script that runs (server.c, processCommand).
    private static readonly RespCommand Malformed = RespCommand.Of("ECHO");

    // A reply here is some KiB; a peer that sends more is none of ours, and the container's memory is small.
    private static readonly RespLimits Limits = new() { MaxBulkBytes = 1 << 20, MaxReplyBytes = 2 << 20, MaxItems = 4096 };

    private readonly CallDeadline _deadline = new(time, request.Deadline);
    private RedisFailure? _failure;
    private string? _pong;
    private string? _pingError;
    private string? _loginError;
    private bool _isPaused;
    private RoleReply? _role;
    private InfoReply? _info;
    private ConfigReply _config;
    private RespValue? _quorum;
    private NamedMaster? _named;
    private SentinelVotes? _votes;

    /// <summary>Never throws for anything a server or a network does.</summary>
    public ProbeFacts Read()
    {
        var isReadiness = request.Kind == ProbeKind.Readiness;
        // The other half is for the question whether a silent server is paused.
        AskServer(isReadiness ? _deadline.Remaining : _deadline.Remaining / 2, isReadiness);
        if (!isReadiness && _failure == RedisFailure.TimedOut && _pong is null && _pingError is null) AskWhetherPaused();
        if (isReadiness && _pong is not null) _votes = AskSentinels();

        var quorum = _quorum is null ? null : _quorum.Text;
        // A server that runs has taken bootstrap's place: only where nothing listens can it still be waiting.
        var isAbsent = _failure is RedisFailure.Refused or RedisFailure.Unreachable or RedisFailure.ConnectTimedOut;
        var heartbeat = isAbsent && request.HeartbeatPath is { } path ? ProbeHeartbeat.ReadFresh(path, time) : null;
        return new ProbeFacts
        {
            Peer = request.SocketPath ?? request.Endpoint.ToString(),
            Deadline = request.Deadline,
            Failure = _failure,
            Pong = _pong,
            PingError = _pingError,
            IsPaused = _isPaused,
            LoginError = _loginError,
            Role = _role,
            Info = _info,
            MinReplicasToWrite = _config.MinReplicas,
            Votes = _votes,
            QuorumOk = _quorum is { IsError: false } ? quorum!.StartsWith("OK ", StringComparison.Ordinal) ? quorum[3..] : quorum : null,
            QuorumError = _quorum is { IsError: true } ? quorum : null,
            NamedMaster = _named?.ToString(),
            WaitReason = heartbeat?.Reason,
            WaitingFor = heartbeat?.WaitingFor ?? "",
        };
    }

    private void AskServer(TimeSpan budget, bool isReadiness)
    {
        using var exchange = Open(budget);
        if (exchange is null) return;
        var isSentinel = request.Target == ProbeTarget.Sentinel;
        var replies = (isReadiness, isSentinel) switch
        {
            (true, false) => exchange.Ask(Ping, Role, RespCommand.Of("INFO", "server", "replication", "persistence"),
                RespCommand.Of("CONFIG", "GET", "min-replicas-to-write", "replica-announce-ip", "replica-announce-port")),
            (true, true) => exchange.Ask(Ping, Role, SentinelInfo, CheckQuorum, NamedMaster.Question(request.MasterName)),
            _ when request.Kind == ProbeKind.Startup && request.Target != ProbeTarget.Redis => exchange.Ask(Ping, Role),
            _ => exchange.Ask(Ping),
        };
        TakePing(replies[0], exchange);
        if (replies.Length > 1) TakeRole(replies[1]);
        if (replies.Length == 4) TakeRedis(replies[2], replies[3]);
        if (replies.Length == 5) TakeSentinel(replies[2], replies[3], replies[4]);
        if (isReadiness && !isSentinel && _role is RoleReply.Sentinel && request.Target == ProbeTarget.Detect)
        {
            replies = exchange.Ask(SentinelInfo, CheckQuorum, NamedMaster.Question(request.MasterName));
            TakeSentinel(replies[0], replies[1], replies[2]);
        }

        // Only what explains: ETA of loading, how long the master has been gone.
        if (_info is null && _pingError is { } error
            && (error.StartsWith("LOADING", StringComparison.Ordinal) || error.StartsWith("MASTERDOWN", StringComparison.Ordinal)))
            TakeInfo(exchange.Ask(RespCommand.Of("INFO", "replication", "persistence"))[0]);
        _failure = exchange.Failure;
        _loginError = exchange.LoginError;
    }

    // CLIENT PAUSE ALL holds back every command, AUTH and PING among them, of a server that is well; SIGSTOP holds back this too.
    private void AskWhetherPaused()
    {
        using var exchange = Open(_deadline.Remaining, login: false);
        if (exchange is null) return;
        var replies = exchange.Ask(Malformed, Ping);
        if (replies[1] is not null) TakePing(replies[1], exchange);
        else _isPaused = replies[0] is not null;
        _failure = exchange.Failure;
    }

    private SentinelVotes? AskSentinels()
    {
        if (request.Sentinels.Count == 0) return null;
        var question = new SentinelQuestion(request, _deadline, time, Limits);
        if (_role is RoleReply.Sentinel && request.Target != ProbeTarget.Redis)
            return _named is { } named ? question.Ask(named.IsSamePlace) : null;
        if (_role is not RoleReply.Master || request.Target == ProbeTarget.Sentinel) return null;
        if (_config.MinReplicas is { } minimum && WriteFence.IsFenced(minimum)) return null; // decided already
        var own = OwnIdentity.Of(request, _info?.RunId, _config);
        return question.Ask(own.IsNamedBy);
    }

    private ProbeExchange? Open(TimeSpan budget, bool login = true)
    {
        try
        {
            var connection = request.SocketPath is { } path
                ? BlockingRedisConnection.ConnectUnix(path, Positive(budget), time, Limits)
                : ProbeConnector.Connect(request.Endpoint, Positive(budget), time, Limits, request.Secure);
            return new ProbeExchange(
                connection, login ? new ProbeLogin(request.Credentials, request.OpenCredential) : new ProbeLogin([], null));
        }
        catch (RedisConnectionException exception)
        {
            _failure = exception.Failure;
            return null;
        }
    }

    private static RespCommand SentinelInfo => RespCommand.Of("INFO", "sentinel");

    private RespCommand CheckQuorum => RespCommand.Of("SENTINEL", "CKQUORUM", request.MasterName);

    private static TimeSpan Positive(TimeSpan budget) => budget > TimeSpan.Zero ? budget : TimeSpan.FromMilliseconds(1);

    private void TakePing(RespValue? reply, ProbeExchange exchange)
    {
        if (reply is null) _pingError = exchange.LastWord;
        else if (reply.IsError) _pingError = reply.Text;
        else _pong = reply.Text;
    }

    private void TakeRole(RespValue? reply)
    {
        if (reply is not null && RoleReply.TryParse(reply, out var role)) _role = role;
    }

    private void TakeInfo(RespValue? reply)
    {
        if (reply is not null && InfoReply.TryParse(reply, out var info)) _info = info;
    }

    private void TakeRedis(RespValue? info, RespValue? config)
    {
        TakeInfo(info);
        _config = new ConfigReply(config);
    }

    private void TakeSentinel(RespValue? info, RespValue? quorum, RespValue? master)
    {
        TakeInfo(info);
        _quorum = quorum;
        _named = NamedMaster.Read(master);
    }
}
