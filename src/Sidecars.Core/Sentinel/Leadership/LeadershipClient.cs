using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>
/// The two commands that tell a Sentinel, each on a fresh connection with its own deadlines. IO only, and never throws for what a server
/// does; <see cref="OperationCanceledException"/> only for the caller's token.
/// </summary>
/// <param name="transport">Makes the transport to an address (TCP, or TLS where configured).</param>
/// <param name="options">Credentials for the Sentinels and deadlines.</param>
/// <param name="masterName">The monitored name.</param>
public sealed class LeadershipClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options, string masterName)
{
    /// <summary>The monitored name.</summary>
    public string MasterName => masterName;

    /// <summary>
    /// <c>SENTINEL IS-MASTER-DOWN-BY-ADDR</c> with a candidate: this Sentinel's vote, once an epoch, whether the master is down or not.
    /// Where it monitors another address by now, it gives none.
    /// </summary>
    public async Task<VoteAnswer> VoteAsync(Elector elector, long epoch, string candidate, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(elector);
        var (host, port) = (elector.Named.Host, Text(elector.Named.Port));
        var command = RespCommand.Of("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", host, port, Text(epoch), candidate);
        var (replies, failure) = await AskAsync(elector.Endpoint, [command], cancellation).ConfigureAwait(false);
        if (replies is not [var reply]) return new VoteAnswer.Silent(failure);
        if (reply.IsError) return new VoteAnswer.Denied(reply.Text);
        return reply.Items is [_, var leader, { Kind: RespKind.Integer, Integer: var leaderEpoch }]
            ? new VoteAnswer.Cast(leader.Text, leaderEpoch)
            : new VoteAnswer.Silent("its vote can't be read");
    }

    /// <summary>Publishes a hello at this Sentinel itself, and reads in the same exchange which Sentinels it lists afterwards.</summary>
    public async Task<HelloAnswer> PublishAsync(RedisEndpoint endpoint, HelloMessage hello, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(hello);
        RespCommand[] commands =
        [
            RespCommand.Of("PUBLISH", HelloMessage.Channel, hello.Text),
            RespCommand.Of("SENTINEL", "SENTINELS", masterName),
        ];
        var (replies, failure) = await AskAsync(endpoint, commands, cancellation).ConfigureAwait(false);
        if (replies is not [var published, var listed]) return new HelloAnswer.Silent(failure);
        if (published.IsError) return new HelloAnswer.Denied(published.Text);
        return published is { Kind: RespKind.Integer, Integer: 1 } && SentinelReplies.TryParseOthers(listed, out var others)
            ? new HelloAnswer.Taken([.. others.Select(o => o.MyId)])
            : new HelloAnswer.Silent($"it answers {published.Text}, {listed.Text}");
    }

    /// <summary>
    /// Publishes a hello at this Sentinel itself, and reads in the same exchange which master it names afterwards: it changes the address
    /// before it answers (<c>sentinelProcessHelloMessage</c>).
    /// </summary>
    public async Task<AnnounceAnswer> AnnounceAsync(RedisEndpoint endpoint, HelloMessage hello, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(hello);
        RespCommand[] commands =
        [
            RespCommand.Of("PUBLISH", HelloMessage.Channel, hello.Text),
            RespCommand.Of("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName),
            RespCommand.Of("SENTINEL", "MASTER", masterName),
        ];
        var (replies, failure) = await AskAsync(endpoint, commands, cancellation).ConfigureAwait(false);
        if (replies is not [var published, var named, var details]) return new AnnounceAnswer.Silent(failure);
        if (published.IsError) return new AnnounceAnswer.Silent($"it answers {published.Text}");
        return SentinelReplies.TryParseAddress(named, out var address) && address is not null
            && SentinelReplies.TryParseMaster(details, address, out var master)
            ? new AnnounceAnswer.Names(master.Address, master.ConfigEpoch)
            : new AnnounceAnswer.Silent("which master it names can't be read");
    }

    private async Task<(IReadOnlyList<RespValue>? Replies, string Failure)> AskAsync(
        RedisEndpoint endpoint, RespCommand[] commands, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
                return (await client.PipelineAsync(commands, cancellation).ConfigureAwait(false), "");
        }
        catch (RedisConnectionException e)
        {
            return (null, e.Message);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
