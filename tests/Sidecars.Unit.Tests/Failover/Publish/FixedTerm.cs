using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>A term that never changes.</summary>
internal sealed class FixedTerm(long term) : IGroupTerm
{
    public long Value => term;

    public Signal Changed { get; } = new();

    public void Shown(long term)
    {
    }
}
