using Sidecars.Core.Lineage;

namespace Sidecars.Failover.Keeper;

/// <summary>
/// Offsets of the last seconds, to say which one was had a while ago. Timestamps are passed in. Not safe for concurrent use.
/// </summary>
/// <typeparam name="T">What is remembered of a moment.</typeparam>
/// <param name="timestampFrequency">Timestamps a second.</param>
public sealed class OffsetTrail<T>(long timestampFrequency)
    where T : class
{
    // A look a second: what is older than the one that is old enough is not needed.
    private readonly Queue<(long At, T Value)> _trail = new();
    private T? _settled;

    /// <summary>Notes a moment; returns what was noted at least <see cref="Marker.EarlierBy"/> before it, null where nothing was.</summary>
    public T? Note(T value, long timestamp)
    {
        _trail.Enqueue((timestamp, value));
        while (_trail.Count > 0 && (timestamp - _trail.Peek().At) / (double)timestampFrequency >= Marker.EarlierBy.TotalSeconds)
            _settled = _trail.Dequeue().Value;
        return _settled;
    }

    /// <summary>Forgets: another process, another stream.</summary>
    public void Clear()
    {
        _trail.Clear();
        _settled = null;
    }
}
