using System.Collections;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.Groups;

/// <summary>Where nodes are at the moment of each look: what a client sees that resolves their Service's name again.</summary>
/// <param name="nodes">Which.</param>
public sealed class NodeEndpoints(Func<IReadOnlyList<LocalNode>> nodes) : IReadOnlyList<RedisEndpoint>
{
    /// <summary>Of these nodes, wherever they are.</summary>
    public NodeEndpoints(IReadOnlyList<LocalNode> nodes)
        : this(() => nodes)
    {
    }

    /// <inheritdoc/>
    public int Count => nodes().Count;

    /// <inheritdoc/>
    public RedisEndpoint this[int index] => nodes()[index].Endpoint;

    /// <inheritdoc/>
    public IEnumerator<RedisEndpoint> GetEnumerator() => nodes().Select(node => node.Endpoint).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
