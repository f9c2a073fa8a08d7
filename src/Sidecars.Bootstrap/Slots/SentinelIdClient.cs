using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;

namespace Sidecars.Bootstrap.Slots;

/// <summary>What was found at an address that was asked for a Sentinel's id. Closed.</summary>
public abstract record SentinelIdAnswer
{
    private SentinelIdAnswer()
    {
    }

    /// <summary>A Sentinel of our group with this id.</summary>
    public sealed record Id(string MyId) : SentinelIdAnswer;

    /// <summary>Something that refuses the logins of our sidecars and of our Sentinels: it can't vote with us, whatever its id.</summary>
    public sealed record Foreign(string Why) : SentinelIdAnswer;

    /// <summary>Something is there, and what it is can't be told.</summary>
    public sealed record Unclear(string Why) : SentinelIdAnswer;

    /// <summary>No connection came about, on several new sockets.</summary>
    public sealed record Silent(string Why) : SentinelIdAnswer;
}

/// <summary>
/// Asks an address which Sentinel lives there. Sentinels vote over connections that they log in to, so one that refuses the
/// Sentinels' own login is no voter of this group; a refusal of the sidecars' login alone proves nothing.
/// </summary>
/// <param name="transport">Makes the transport to an address.</param>
/// <param name="asSidecar">Credentials of the sidecars, who may ask for the id.</param>
/// <param name="asSentinel">Credentials of the Sentinels, who may not.</param>
public sealed class SentinelIdClient(
    Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions asSidecar, RedisClientOptions asSentinel)
{
    // A socket that was opened while a pod died can hang or be refused though the next one works (kube-proxy, conntrack).
    private const int Tries = 3;

    /// <summary>
    /// Asks; never throws for what is there, <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    public async Task<SentinelIdAnswer> AskAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        SentinelIdAnswer answer = new SentinelIdAnswer.Unclear("not asked");
        for (var i = 0; i < Tries; i++)
        {
            answer = await AskOnceAsync(endpoint, cancellation).ConfigureAwait(false);
            if (answer is not SentinelIdAnswer.Silent) break;
        }

        return answer;
    }

    private async Task<SentinelIdAnswer> AskOnceAsync(RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), asSidecar, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var reply = await client.CallAsync(RespCommand.Of("SENTINEL", "MYID"), cancellation).ConfigureAwait(false);
                return SentinelReplies.TryParseMyId(reply, out var id)
                    ? new SentinelIdAnswer.Id(id)
                    : new SentinelIdAnswer.Unclear($"it answers {reply.Text}");
            }
        }
        catch (RedisConnectionException e)
        {
            if (e.IsNoConnection) return new SentinelIdAnswer.Silent(e.Message);
            return RefusesLogin(e)
                ? await AskAsSentinelAsync(endpoint, e.Message, cancellation).ConfigureAwait(false)
                : new SentinelIdAnswer.Unclear(e.Message);
        }
    }

    private async Task<SentinelIdAnswer> AskAsSentinelAsync(RedisEndpoint endpoint, string why, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), asSentinel, cancellation).ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
            return new SentinelIdAnswer.Unclear($"it accepts our Sentinels, not our sidecars: {why}");
        }
        catch (RedisConnectionException e)
        {
            return RefusesLogin(e) ? new SentinelIdAnswer.Foreign(why) : new SentinelIdAnswer.Unclear(e.Message);
        }
    }

    // "ERR max number of clients reached" also comes in answer to AUTH, and says nothing of whose server it is.
    private static bool RefusesLogin(RedisConnectionException e) => e.ServerError is { } error
        && (error.StartsWith("WRONGPASS", StringComparison.Ordinal) || error.StartsWith("NOPERM", StringComparison.Ordinal)
            || error.StartsWith("ERR AUTH", StringComparison.Ordinal));
}
