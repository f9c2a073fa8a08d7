using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>
/// What the facts mean for each probe; the table is in manifests/docs/probes.md. Startup and liveness take any reply for life, since a
/// restart heals none of the reasons for an error and loses the data in memory; readiness asks for a role that can be served.
/// </summary>
public static class ProbePolicy
{
    /// <summary>Decides; the request's remarks are appended to the reason.</summary>
    public static ProbeVerdict Evaluate(ProbeRequest request, ProbeFacts facts)
    {
        var verdict = Judge(request, facts);
        return request.Remark.Length == 0 ? verdict : new ProbeVerdict(verdict.Pass, verdict.Message + "; " + request.Remark);
    }

    private static ProbeVerdict Judge(ProbeRequest request, ProbeFacts facts)
    {
        if (!facts.Answered) return Silent(request.Kind, facts);
        if (request.Kind == ProbeKind.Readiness) return Ready(request, facts);
        if (request.Kind == ProbeKind.Startup && IsSentinel(request, facts)
            && SentinelPolicy.KnowsMaster(request.MasterName, facts) == false)
            return Fail(request.Kind, $"the Sentinel does not know the master '{request.MasterName}'{SentinelPolicy.Known(facts)}");
        return Pass(request.Kind, Alive(facts));
    }

    internal static ProbeVerdict Pass(ProbeKind kind, string why) =>
        new(true, (kind switch { ProbeKind.Startup => "started: ", ProbeKind.Liveness => "alive: ", _ => "ready: " }) + why);

    internal static ProbeVerdict Fail(ProbeKind kind, string why) =>
        new(false, (kind switch { ProbeKind.Startup => "not started: ", ProbeKind.Liveness => "not alive: ", _ => "not ready: " }) + why);

    private static bool IsSentinel(ProbeRequest request, ProbeFacts facts) =>
        facts.Role is RoleReply.Sentinel || (facts.Role is null && request.Target == ProbeTarget.Sentinel);

    // Nothing that is RESP came back.
    private static ProbeVerdict Silent(ProbeKind kind, ProbeFacts facts)
    {
        if (facts.WaitReason is { } reason)
        {
            var waiting = "redis-bootstrap waits: " + reason + (facts.WaitingFor.Length > 0 ? " (for " + facts.WaitingFor + ")" : "");
            return kind == ProbeKind.Readiness ? Fail(kind, waiting) : Pass(kind, waiting);
        }

        return Fail(kind, facts.Failure switch
        {
            RedisFailure.Refused => $"nothing listens at {facts.Peer}, and no fresh heartbeat of redis-bootstrap",
            RedisFailure.ConnectTimedOut => $"no connection to {facts.Peer} within {DurationText.Of(facts.Deadline)}",
            RedisFailure.NameResolution => $"the name of {facts.Peer} is not resolved; give an address",
            RedisFailure.TimedOut =>
                $"{facts.Peer} accepts, but does not answer within {DurationText.Of(facts.Deadline)}: stopped, paused, "
                + "or busy beyond its busy-reply-threshold",
            RedisFailure.Protocol => $"what listens at {facts.Peer} is not Redis: it did not answer in the Redis protocol",
            RedisFailure.Closed => $"{facts.Peer} closes the connection without a whole reply",
            RedisFailure.Tls => $"no TLS with {facts.Peer}: its certificate is not trusted, or it speaks none",
            _ => $"{facts.Peer} can't be reached",
        });
    }

    private static string Alive(ProbeFacts facts)
    {
        if (facts.IsPaused) return "PING waits, but a malformed command is refused at once: paused (CLIENT PAUSE), not stuck";
        return facts.PingError is { } error ? Explain(error, facts) : facts.Pong!;
    }

    private static ProbeVerdict Ready(ProbeRequest request, ProbeFacts facts)
    {
        if (facts.IsPaused) return Fail(request.Kind, Alive(facts));
        if (facts.PingError is { } error) return Fail(request.Kind, Explain(error, facts));
        if (facts.Role is null && facts.Failure is not null) return Fail(request.Kind, "PING is answered, but nothing after it");
        if (IsSentinel(request, facts))
        {
            return request.Target == ProbeTarget.Redis
                ? Fail(request.Kind, $"a Sentinel listens at {facts.Peer}, not Redis")
                : SentinelPolicy.Ready(request, facts);
        }

        if (request.Target == ProbeTarget.Sentinel) return Fail(request.Kind, $"a Redis listens at {facts.Peer}, not a Sentinel");
        return facts.Role switch
        {
            RoleReply.Master master => Master(request, facts, master),
            RoleReply.Replica replica => ReplicaPolicy.Ready(request, facts, replica),
            _ => Fail(request.Kind,
                "the role is unknown: " + (facts.LoginError is { } login ? "AUTH was refused: " + login : "the user may not call ROLE")),
        };
    }

    private static ProbeVerdict Master(ProbeRequest request, ProbeFacts facts, RoleReply.Master master)
    {
        if (facts.MinReplicasToWrite is { } minimum && WriteFence.IsFenced(minimum))
            return Fail(
                request.Kind, $"the master is fenced (min-replicas-to-write {Digits.Of(minimum)}): it was found cut off from its group");
        if (facts.Votes is { IsContradicted: true } votes)
            return Fail(request.Kind,
                $"{Digits.Of(votes.Contradicting)} of {Digits.Of(votes.Expected)} Sentinels name {votes.Other} as master, not this one");
        var good = facts.Info?.GoodReplicas;
        var writes = good is { } count && facts.MinReplicasToWrite is { } needed && count < needed
            ? $", writes refused until {Digits.Of(needed)} replicas are in sync ({Digits.Of(count)} are)"
            : facts.MinReplicasToWrite is null ? ", fence unknown" : "";
        return Pass(request.Kind, $"master at offset {Digits.Of(master.Offset)}, {Digits.Of(master.Replicas.Count)} replicas "
            + $"online{writes}{(facts.Votes is { } said ? ", " + said.Describe() : "")}");
    }

    // An error of PING, with what the other replies add to it.
    private static string Explain(string error, ProbeFacts facts)
    {
        var code = error.AsSpan();
        var space = code.IndexOf(' ');
        if (space >= 0) code = code[..space];
        return code switch
        {
            "LOADING" => ReplicaPolicy.Loading(facts.Info),
            "BUSY" => "busy with a script or function (BUSY); it answers nothing else until that ends or is killed",
            "MISCONF" => "snapshots fail, so writes are refused (MISCONF): is the disk full?",
            "MASTERDOWN" => "a replica without its master that may not serve stale data (MASTERDOWN)" + ReplicaPolicy.Down(facts.Info),
            "NOAUTH" => facts.LoginError is { } login
                ? "the server wants a login (NOAUTH), and AUTH was refused: " + login
                : "the server wants a login (NOAUTH), and the probe has no password",
            "NOPERM" => "the user may not call PING (NOPERM)",
            _ => "the server says: " + error,
        };
    }
}
