using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo.Output;

/// <summary>The state of a group in lines of text: a row a node, and one of the writers.</summary>
internal sealed class StateTable(Paint paint)
{
    public IEnumerable<string> Rows(Stage stage)
    {
        var sidecars = stage.Tenant is null ? "" : "  sidecars";
        yield return paint.Faint($"{"node",-12}{"port",-8}{"state",-10}{"role",-20}{"link",-7}{"offset",12}{sidecars}");
        if (stage.Watch.Last is { } state)
        {
            foreach (var node in state.Redis) yield return Redis(node, state) + Sidecars(stage, node.Node);
            foreach (var sentinel in state.Sentinels) yield return Sentinel(sentinel, stage.Group);
        }

        yield return paint.Faint($"{"clients",-18}{"written",9}{"gap",9}{"longest",9}{"refused",9}{"unanswered",12}");
        yield return Clients("follow Sentinel", stage.Writers.Sentinel);
        if (stage is not { Tenant: { } tenant, Writers.Record: { } followers }) yield break;
        yield return Clients("follow the record", followers);
        yield return $"{PublishedRecord.Name} names {paint.Strong(tenant.Record.Node()?.Name ?? "nobody")}";
    }

    /// <summary>One node's state in a few words without what changes all the time.</summary>
    public static string Words(RedisState node, LocalGroup group) => node.Presence != Presence.Up
        ? Word(node.Presence)
        : node.IsMaster ? "master" : $"replica of {Name(group, node.Following)}, link {(node.LinkUp ? "up" : "down")}";

    /// <summary>One Sentinel's state in a few words.</summary>
    public static string Words(SentinelState sentinel, LocalGroup group) => sentinel.Presence != Presence.Up
        ? Word(sentinel.Presence)
        : sentinel.Master is null ? "knows no master"
        : $"names {Name(group, sentinel.Master)}, epoch {sentinel.Epoch}{(sentinel.Flags == "master" ? "" : $" [{sentinel.Flags}]")}";

    public static string Count(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private string Redis(RedisState node, GroupState state)
    {
        var presence = Shown(node.Presence);
        var role = node.Presence != Presence.Up ? ""
            : node.IsMaster ? "master"
            : $"replica of {state.Redis.FirstOrDefault(n => n.Node.Endpoint == node.Following)?.Node.Name ?? "?"}";
        var link = node.Presence != Presence.Up || node.IsMaster ? paint.Faint($"{"-",-7}")
            : node.LinkUp ? paint.Good($"{"up",-7}")
            : paint.Doubtful($"{"down",-7}");
        role = node.IsMaster ? paint.Strong($"{role,-20}") : $"{role,-20}";
        return $"{node.Node.Name,-12}{node.Node.Endpoint.Port,-8}{presence}{role}{link}{Count(node.Offset),12}";
    }

    private string Sentinel(SentinelState sentinel, LocalGroup group)
    {
        var words = sentinel.Presence == Presence.Up ? Words(sentinel, group) : "";
        return $"{sentinel.Node.Name,-12}{sentinel.Node.Endpoint.Port,-8}{Shown(sentinel.Presence)}{words}";
    }

    private string Shown(Presence presence)
    {
        var text = $"{Word(presence),-10}";
        return presence switch
        {
            Presence.Up => paint.Good(text),
            Presence.Down => paint.Bad(text),
            _ => paint.Doubtful(text),
        };
    }

    private string Sidecars(Stage stage, LocalNode node) => stage.Tenant is null
        ? ""
        : "  " + (stage.Tenant.SidecarsOf(node).Running ? paint.Good("up") : paint.Bad("down"));

    private string Clients(string who, WriteLoad load)
    {
        var gap = load.Acks.CurrentGap.TotalSeconds;
        var gapText = FormattableString.Invariant($"{gap,7:0.00} s");
        var longest = FormattableString.Invariant($"{load.LongestGap.TotalSeconds,7:0.00} s");
        return $"{who,-18}{Count(load.Acks.Count),9}{(gap > 0.5 ? paint.Bad(gapText) : gapText)}{longest}"
            + $"{Count(load.Refused),9}{Count(load.Unknown),12}";
    }

    private static string Word(Presence presence) => presence.ToString().ToLowerInvariant();

    private static string Name(LocalGroup group, RedisEndpoint? endpoint) =>
        group.NodeAt(endpoint)?.Name ?? endpoint?.ToString() ?? "nobody";
}
