namespace Sidecars.Backup.Base;

/// <summary>When the next backup is due: every so often, and on request; the first at once.</summary>
internal sealed class BaseClock(TimeSpan interval, TimeProvider time)
{
    private DateTimeOffset _last = DateTimeOffset.UnixEpoch;
    private bool _wanted;

    public bool IsDue => _wanted || SinceLast >= interval;

    /// <summary>By the node's clock.</summary>
    public TimeSpan SinceLast => time.GetUtcNow() - _last;

    /// <summary>Makes a base due now.</summary>
    public void Want() => _wanted = true;

    /// <summary>Somebody asked for one that is newer than this.</summary>
    public void Wanted(DateTimeOffset? since)
    {
        if (since is { } at && at > _last) _wanted = true;
    }

    /// <summary>When the last one was completed, as the store says.</summary>
    public void Know(DateTimeOffset last) => _last = last;

    public void Completed(DateTimeOffset at) => (_last, _wanted) = (at, false);
}
