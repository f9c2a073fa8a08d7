using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Output;

/// <summary>The state of a group in lines of text: a row a node, and one of the writers.</summary>
internal sealed class StateTable(Paint paint)
{
    public IEnumerable<string> Rows(Stage stage)
    {
        yield return paint.Faint($"{"node",-12}{"port",-8}{"state",-10}{"role",-24}{"link",-7}{"offset",12}");
        if (stage.Watch.Last is { } state)
        {
            foreach (var node in state.Redis) yield return Redis(node, state);
            foreach (var sentinel in state.Sentinels) yield return Sentinel(sentinel, stage.Group);
        }

        yield return Writers(stage);
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
        var role = node.Presence != Presence.Up ? "" : node.IsMaster ? "master" : $"replica of {state.Redis.FirstOrDefault(n => n.Node.Endpoint == node.Following)?.Node.Name ?? "?"}";
        var link = node.Presence != Presence.Up || node.IsMaster ? paint.Faint($"{"-",-7}") : node.LinkUp ? paint.Good($"{"up",-7}") : paint.Doubtful($"{"down",-7}");
        role = node.IsMaster ? paint.Strong($"{role,-24}") : $"{role,-24}";
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

    private string Writers(Stage stage)
    {
        var gap = stage.Load.Acks.CurrentGap.TotalSeconds;
        var gapText = $"{gap:0.00} s";
        return $"{Count(stage.Load.Acks.Count)} writes acknowledged, gap {(gap > 0.5 ? paint.Bad(gapText) : gapText)}, "
            + $"longest {stage.Load.LongestGap.TotalSeconds:0.00} s, {Count(stage.Load.Refused)} refused, {Count(stage.Load.Unknown)} unanswered";
    }

    private static string Word(Presence presence) => presence.ToString().ToLowerInvariant();

    private static string Name(LocalGroup group, RedisEndpoint? endpoint) => group.NodeAt(endpoint)?.Name ?? endpoint?.ToString() ?? "nobody";
}
