using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.Groups;

/// <summary>What a node is seen to be.</summary>
public enum Presence
{
    /// <summary>No process.</summary>
    Down,

    /// <summary>A process that nobody can connect to: redis-bootstrap looks for the node's role.</summary>
    Waiting,

    /// <summary>It can be connected to, and gives no usable answer (stopped, or a login is refused).</summary>
    Silent,

    /// <summary>It answers, and reads its data from disk.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Up,
}

/// <summary>One Redis node at one moment.</summary>
public sealed record RedisState(LocalNode Node, Presence Presence)
{
    /// <summary>True: ROLE says master.</summary>
    public bool IsMaster { get; init; }

    /// <summary>The master of a replica.</summary>
    public RedisEndpoint? Following { get; init; }

    /// <summary>A replica's link to its master is up and synchronised.</summary>
    public bool LinkUp { get; init; }

    /// <summary>Replication offset.</summary>
    public long Offset { get; init; }

    /// <summary>Identity of the process, new at each start.</summary>
    public string RunId { get; init; } = "";
}

/// <summary>One Sentinel at one moment.</summary>
public sealed record SentinelState(LocalNode Node, Presence Presence)
{
    /// <summary>The master that it sends clients to; null: it knows none.</summary>
    public RedisEndpoint? Master { get; init; }

    /// <summary>config-epoch of that master.</summary>
    public long Epoch { get; init; }

    /// <summary>Flags of the master, as sent.</summary>
    public string Flags { get; init; } = "";

    /// <summary>Time since the master last answered this Sentinel's PING (last-ok-ping-reply).</summary>
    public TimeSpan HeardMaster { get; init; }

    /// <summary>Replicas that it knows and does not think down.</summary>
    public int Replicas { get; init; }

    /// <summary>Other Sentinels that it knows and does not think down.</summary>
    public int Others { get; init; }

    /// <summary>Other Sentinels that it knows at all: each is a voter, ghosts too.</summary>
    public int KnownOthers { get; init; }
}

/// <summary>All nodes at (nearly) one moment.</summary>
public sealed record GroupState(ImmutableArray<RedisState> Redis, ImmutableArray<SentinelState> Sentinels)
{
    /// <summary>Nodes whose ROLE is master.</summary>
    public ImmutableArray<RedisState> Masters => [.. Redis.Where(node => node.IsMaster)];

    /// <summary>The master, if there is exactly one.</summary>
    public RedisState? Master => Masters is [var only] ? only : null;

    /// <summary>Replicas with the link to the only master up.</summary>
    public int LinkedReplicas => Redis.Count(node => node.LinkUp && Master?.Node.IsAt(node.Following) == true);

    /// <summary>The first thing that is not as it should be when all is well; null: all is well.</summary>
    public string? Problem => Problems().FirstOrDefault();

    /// <summary>The state of one Redis node.</summary>
    public RedisState Of(LocalNode node) => Redis.First(state => state.Node == node);

    /// <summary>A table for people.</summary>
    public override string ToString() =>
        string.Join('\n', [.. Redis.Select(Line), .. Sentinels.Select(Line), "problem: " + (Problem ?? "none")]);

    private IEnumerable<string> Problems()
    {
        foreach (var node in Redis.Where(n => n.Presence != Presence.Up)) yield return $"{node.Node} is {Word(node.Presence)}";
        if (Masters.Length != 1)
        {
            yield return Masters.Length == 0 ? "no master" : $"{Masters.Length} masters: {string.Join(", ", Masters.Select(m => m.Node))}";
            yield break;
        }

        var master = Master!.Node;
        foreach (var node in Redis.Where(n => !n.IsMaster))
        {
            if (!master.IsAt(node.Following)) yield return $"{node.Node} follows {node.Following}, not {master}";
            else if (!node.LinkUp) yield return $"{node.Node} has no link to {master}";
        }

        foreach (var sentinel in Sentinels)
        {
            if (sentinel.Presence != Presence.Up) yield return $"{sentinel.Node} is {Word(sentinel.Presence)}";
            else if (!master.IsAt(sentinel.Master))
                yield return $"{sentinel.Node} names {sentinel.Master?.ToString() ?? "no master"}, not {master}";
            else if (sentinel.Flags != "master") yield return $"{sentinel.Node} sees the master as {sentinel.Flags}";
            else if (sentinel.Replicas != Redis.Length - 1)
                yield return $"{sentinel.Node} sees {sentinel.Replicas} replicas of {Redis.Length - 1}";
            else if (sentinel.Others != Sentinels.Length - 1)
                yield return $"{sentinel.Node} sees {sentinel.Others} other Sentinels of {Sentinels.Length - 1}";
        }

        if (Sentinels.Select(s => s.Epoch).Distinct().Count() > 1) yield return "the Sentinels' epochs differ";
    }

    private static string Word(Presence presence) => presence.ToString().ToLowerInvariant();

    private static string Line(RedisState n) => string.Create(CultureInfo.InvariantCulture,
        $"{n.Node,-12} {n.Node.Endpoint,-16} {Word(n.Presence),-8} "
        + $"{(n.Presence != Presence.Up ? "" : n.IsMaster ? "master" : $"replica of {n.Following}, link {(n.LinkUp ? "up" : "down")}")} "
        + $"offset {n.Offset}");

    private static string Line(SentinelState s) => string.Create(CultureInfo.InvariantCulture,
        $"{s.Node,-12} {s.Node.Endpoint,-16} {Word(s.Presence),-8} names {s.Master?.ToString() ?? "none"} epoch {s.Epoch} [{s.Flags}] "
        + $"{s.Replicas} replicas, {s.Others} others");
}
