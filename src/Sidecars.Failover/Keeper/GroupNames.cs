using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Keeper;

/// <summary>What the group's record, as last read, says of nodes and streams. Pure.</summary>
/// <param name="view">The record; null: it was not read yet.</param>
public sealed class GroupNames(ElectionView? view)
{
    /// <summary>Nothing is known.</summary>
    public static GroupNames None { get; } = new(null);

    /// <summary>Term of the group; 0: not known.</summary>
    public long Term => view?.Record.Term ?? 0;

    /// <summary>Finds the node at an address; null: not known.</summary>
    public NodeIdentity? NodeAt(RedisEndpoint address)
    {
        if (view is null) return null;
        if (view.Evidence.LastOrDefault(e => e.Address == address) is { } evidence) return new NodeIdentity(evidence.Node, evidence.Uid);
        return view.Record.LastServing is { } last && last.Address == address ? new NodeIdentity(last.Node, last.Uid) : null;
    }

    /// <summary>Who began a stream; null: not known.</summary>
    public NodeIdentity? Author(ReplicationId id) => view?.Record.History.FirstOrDefault(e => e.Id == id)?.Master;
}
