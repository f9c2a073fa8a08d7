using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Sentinel;

/// <summary>Talks to one Sentinel at a time. IO only: what the answers mean is decided by <see cref="SentinelQuorumPolicy"/>.</summary>
/// <param name="transport">Makes the transport to an address (TCP, or TLS where configured).</param>
/// <param name="options">Credentials for the Sentinels and deadlines.</param>
/// <param name="masterName">The monitored name.</param>
public sealed class SentinelClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options, string masterName)
{
    private RespCommand AskAddress => RespCommand.Of("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName);

    private RespCommand AskMaster => RespCommand.Of("SENTINEL", "MASTER", masterName);

    /// <summary>
    /// Reads one Sentinel's view in one write and one connection. Never throws for what a server does;
    /// <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    public async Task<SentinelObservation> ObserveAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var replies = await client.PipelineAsync(
                    [
                        RespCommand.Of("SENTINEL", "MYID"),
                        AskAddress,
                        AskMaster,
                        RespCommand.Of("SENTINEL", "REPLICAS", masterName),
                        RespCommand.Of("SENTINEL", "SENTINELS", masterName),
                        RespCommand.Of("INFO", "sentinel"),
                    ],
                    cancellation).ConfigureAwait(false);
                return Read(endpoint, replies);
            }
        }
        catch (RedisConnectionException e)
        {
            return e.IsNoConnection
                ? new SentinelObservation.Unreachable(endpoint, e.Message)
                : new SentinelObservation.Unknown(endpoint, e.Message)
                { LoginRefused = RedisLogin.IsRefusal(e.ServerError), Failure = e.Failure };
        }
    }

    /// <summary>
    /// <c>SENTINEL FAILOVER</c>, if this Sentinel still names <paramref name="replaces"/> and runs no failover: the command takes no vote,
    /// and its epoch would undo what somebody else has told meanwhile. It goes to exactly one Sentinel of the group; another may be asked
    /// only where this one can't have heard it.
    /// </summary>
    /// <param name="endpoint">The Sentinel.</param>
    /// <param name="replaces">The master that is to be replaced.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<FailoverAnswer> FailoverAsync(RedisEndpoint endpoint, RedisEndpoint replaces, CancellationToken cancellation)
    {
        var isAsked = false;
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var seen = await client.PipelineAsync([AskAddress, AskMaster], cancellation).ConfigureAwait(false);
                if (Objection(seen, replaces) is { } objection) return objection;
                isAsked = true;
                var reply = await client.CallAsync(RespCommand.Of("SENTINEL", "FAILOVER", masterName), cancellation).ConfigureAwait(false);
                var accepted = !reply.IsError || reply.ErrorCode == "INPROG";
                return new FailoverAnswer(accepted ? FailoverAnswerKind.UnderWay : FailoverAnswerKind.Refused, reply.Text);
            }
        }
        catch (RedisConnectionException e)
        {
            return new FailoverAnswer(isAsked ? FailoverAnswerKind.NoAnswer : FailoverAnswerKind.NotAsked, e.Message);
        }
    }

    /// <summary>
    /// <c>SENTINEL RESET</c> of this master: the Sentinel forgets its replicas and the other Sentinels, ghosts among them, and
    /// learns those that live again (with the next INFO; until then it can promote nobody). Returns null where it did, else why not.
    /// </summary>
    public async Task<string?> ResetAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var reply = await client.CallAsync(
                    RespCommand.Of("SENTINEL", "RESET", GlobOf(masterName)), cancellation).ConfigureAwait(false);
                return reply is { Kind: RespKind.Integer, Integer: 1 } ? null : $"it answers {reply.Text}";
            }
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    /// <summary>
    /// Ends one Sentinel process, so that its container starts it anew from what the others say. Returns null where it is
    /// gone (the connection closes without a reply), else why not.
    /// </summary>
    public async Task<string?> ShutdownAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var reply = await client.CallAsync(RespCommand.Of("SHUTDOWN"), cancellation).ConfigureAwait(false);
                return $"it answers {reply.Text}";
            }
        }
        catch (RedisConnectionException e)
        {
            return e.Failure == RedisFailure.Closed ? null : e.Message;
        }
    }

    // RESET takes a pattern, and must never match a master more than it is meant for.
    private static string GlobOf(string name)
    {
        var pattern = new System.Text.StringBuilder(name.Length);
        foreach (var c in name)
        {
            if (c is '*' or '?' or '[' or ']' or '^' or '\\') pattern.Append('\\');
            pattern.Append(c);
        }

        return pattern.ToString();
    }

    // Null: it may be asked to fail this master over.
    private static FailoverAnswer? Objection(IReadOnlyList<RespValue> seen, RedisEndpoint replaces)
    {
        if (seen[0].IsError) return NotAsked($"it answers {seen[0].Text}");
        if (!SentinelReplies.TryParseAddress(seen[0], out var named)) return NotAsked("its master address can't be read");
        if (named != replaces) return Overtaken($"it names {named?.ToString() ?? "no master"}, not {replaces}");
        if (!SentinelReplies.TryParseMaster(seen[1], named, out var master)) return NotAsked("its view of the master can't be read");
        return master.FailoverInProgress ? Overtaken("it runs a failover") : null;

        static FailoverAnswer NotAsked(string why) => new(FailoverAnswerKind.NotAsked, why);
        static FailoverAnswer Overtaken(string why) => new(FailoverAnswerKind.Overtaken, why);
    }

    private static SentinelObservation.Unknown Refused(RedisEndpoint endpoint, string error) =>
        new(endpoint, $"it answers {error}") { LoginRefused = RedisLogin.IsRefusal(error) };

    private static SentinelObservation Read(RedisEndpoint endpoint, IReadOnlyList<RespValue> replies)
    {
        if (replies[0].IsError) return Refused(endpoint, replies[0].Text);
        if (!SentinelReplies.TryParseMyId(replies[0], out var myId))
            return new SentinelObservation.Unknown(endpoint, "its SENTINEL MYID can't be read");
        if (replies[1].IsError) return Refused(endpoint, replies[1].Text);
        if (!SentinelReplies.TryParseAddress(replies[1], out var address))
            return new SentinelObservation.Unknown(endpoint, "its master address can't be read");
        var tilt = InfoReply.TryParse(replies[5], out var info) && info.Get("sentinel_tilt") == "1";
        if (address is null) return new SentinelObservation.Known(endpoint, new SentinelView { MyId = myId, Tilt = tilt });
        if (!SentinelReplies.TryParseMaster(replies[2], address, out var master)
            || !SentinelReplies.TryParseReplicas(replies[3], out var replicas)
            || !SentinelReplies.TryParseOthers(replies[4], out var others))
        {
            return new SentinelObservation.Unknown(endpoint, "its view of the master can't be read");
        }

        return new SentinelObservation.Known(
            endpoint, new SentinelView { MyId = myId, Tilt = tilt, Master = master, Replicas = replicas, Others = others });
    }
}
