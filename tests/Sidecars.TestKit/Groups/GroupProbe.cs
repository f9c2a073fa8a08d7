using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Groups;

/// <summary>
/// Asks the nodes of a group what they are, each on a fresh connection. Reads the replies itself, apart from Core's
/// observers and policies: what judges them must not share their mistakes.
/// </summary>
internal sealed class GroupProbe(LocalGroup group)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    public async Task<GroupState> ObserveAsync(CancellationToken cancellation)
    {
        var redis = group.Redis.Select(node => RedisAsync(node, cancellation)).ToArray();
        var sentinels = group.Sentinels.Select(node => SentinelAsync(node, cancellation)).ToArray();
        return new GroupState([.. await Task.WhenAll(redis)], [.. await Task.WhenAll(sentinels)]);
    }

    private async Task<RedisState> RedisAsync(LocalNode node, CancellationToken cancellation)
    {
        var (presence, replies) = await AskAsync(node, [RespCommand.Of("ROLE"), RespCommand.Of("INFO")], cancellation);
        var state = new RedisState(node, presence);
        if (replies.Length == 0) return state;
        if (!RoleReply.TryParse(replies[0], out var role)) return state with { Presence = Presence.Silent };
        var info = InfoReply.Parse(replies[1].Bytes.Span);
        state = state with { RunId = info.RunId ?? "", Presence = info.LoadingInProgress == true ? Presence.Loading : Presence.Up };
        return role switch
        {
            RoleReply.Master master => state with { IsMaster = true, Offset = master.Offset },
            RoleReply.Replica replica => state with
            {
                Following = replica.Of,
                LinkUp = info.MasterLinkUp == true && replica.Link == ReplicaLink.Connected,
                Offset = info.SlaveReplOffset ?? 0,
            },
            _ => state with { Presence = Presence.Silent },
        };
    }

    private async Task<SentinelState> SentinelAsync(LocalNode node, CancellationToken cancellation)
    {
        var name = group.Options.EffectiveMasterName;
        var (presence, replies) = await AskAsync(
            node,
            [
                RespCommand.Of("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
                RespCommand.Of("SENTINEL", "MASTER", name),
                RespCommand.Of("SENTINEL", "REPLICAS", name),
                RespCommand.Of("SENTINEL", "SENTINELS", name),
            ],
            cancellation);
        var state = new SentinelState(node, presence);
        if (replies.Length == 0 || replies[0].Items.Count != 2 || replies[1].IsError) return state;
        var master = Fields(replies[1]);
        return state with
        {
            Master = new RedisEndpoint(replies[0].Items[0].Text, int.Parse(replies[0].Items[1].Text, CultureInfo.InvariantCulture)),
            Epoch = long.Parse(master["config-epoch"], CultureInfo.InvariantCulture),
            Flags = master["flags"],
            HeardMaster = TimeSpan.FromMilliseconds(long.Parse(master["last-ok-ping-reply"], CultureInfo.InvariantCulture)),
            Replicas = replies[2].Items.Count(item => Fields(item) is var f && f["flags"] == "slave" && f["master-link-status"] == "ok"),
            Others = replies[3].Items.Count(item => Fields(item)["flags"] == "sentinel"),
            KnownOthers = replies[3].Items.Count,
        };
    }

    private async Task<(Presence Presence, ImmutableArray<RespValue> Replies)> AskAsync(
        LocalNode node, RespCommand[] commands, CancellationToken cancellation)
    {
        if (!node.Running) return (Presence.Down, []);
        try
        {
            await using var client = await group.ConnectAsync(node, Timeout, cancellation);
            return (Presence.Up, [.. await client.PipelineAsync(commands, cancellation)]);
        }
        catch (RedisConnectionException e)
        {
            return (e.Failure == RedisFailure.Refused ? node.Running ? Presence.Waiting : Presence.Down : Presence.Silent, []);
        }
    }

    private static Dictionary<string, string> Fields(RespValue reply) =>
        reply.Items.Chunk(2).ToDictionary(pair => pair[0].Text, pair => pair[1].Text);
}
