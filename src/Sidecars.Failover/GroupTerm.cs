using Sidecars.Core.Primitives;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.Publish;

namespace Sidecars.Failover;

/// <summary>The later term of marker and record.</summary>
/// <param name="marker">Of the marker: redis-bootstrap writes the term of an election there before the server starts.</param>
/// <param name="record">Reads the record; null: there is none.</param>
internal sealed class GroupTerm(Func<long> marker, RecordLoop? record) : IGroupTerm
{
    /// <inheritdoc/>
    public long Value => Math.Max(marker(), record?.Record?.Term ?? 0);

    /// <inheritdoc/>
    public Signal Changed { get; } = record?.TermRaised ?? new Signal();

    /// <inheritdoc/>
    public void Shown(long term)
    {
        if (term > Value) record?.ReadSoon();
    }
}
