namespace Sidecars.Probe.Policy;

/// <summary>
/// Counts what Sentinels say, one vote an id: one Sentinel behind two addresses is no majority. Without an id, a master, or trust in
/// its own clock (TILT), a Sentinel has no vote: unknown, which contradicts nobody. Pure.
/// </summary>
/// <param name="expected">How many Sentinels there should be; 1 or more.</param>
public sealed class SentinelTally(int expected)
{
    private readonly List<string> _agreeing = [];
    private readonly List<string> _contradicting = [];
    private string _other = "";

    /// <summary>The count so far.</summary>
    public SentinelVotes Votes =>
        new() { Expected = expected, Agreeing = _agreeing.Count, Contradicting = _contradicting.Count, Other = _other };

    /// <summary>Votes that would settle it if all agreed; 0: it is settled, a majority contradicts or no longer can.</summary>
    public int Needed
    {
        get
        {
            var majority = (expected / 2) + 1;
            return _contradicting.Count >= majority ? 0 : Math.Max(0, expected - majority + 1 - _agreeing.Count);
        }
    }

    /// <summary>Adds what one Sentinel said.</summary>
    /// <param name="myId">Its id; null: unknown.</param>
    /// <param name="isTilt">True while it trusts its own clock no more.</param>
    /// <param name="named">The master it names, for people; null: none.</param>
    /// <param name="agrees">Whether that is the right one.</param>
    public void Add(string? myId, bool isTilt, string? named, bool agrees)
    {
        if (myId is null || isTilt || named is null || _agreeing.Contains(myId)) return;
        var isKnown = _contradicting.Contains(myId);
        if (agrees)
        {
            // An id that is alive twice and of two opinions contradicts nobody either.
            if (isKnown) _ = _contradicting.Remove(myId);
            _agreeing.Add(myId);
        }
        else if (!isKnown)
        {
            _contradicting.Add(myId);
            _other = named;
        }
    }
}
