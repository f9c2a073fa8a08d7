using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>The term of the group as far as it is known here. Safe for concurrent use.</summary>
public interface IGroupTerm
{
    /// <summary>0: not known.</summary>
    long Value { get; }

    /// <summary>Raised when a later one has been read.</summary>
    Signal Changed { get; }

    /// <summary>
    /// A target shows this term. It is no proof, but where it is later than what is known, the group's record is read at once: its turn may
    /// be half a minute away, and until then whatever this node publishes is refused as older.
    /// </summary>
    void Shown(long term);
}
