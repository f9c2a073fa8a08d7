namespace Sidecars.Core.Sentinel;

/// <summary>What came of asking one Sentinel to fail over.</summary>
public enum FailoverAnswerKind
{
    /// <summary>It began, or one was under way (<c>INPROG</c>).</summary>
    UnderWay,

    /// <summary>It answered no: <c>NOGOODSLAVE</c>, no such master, no right.</summary>
    Refused,

    /// <summary>It can't be reached, or does not say whom it names: it heard nothing, so that another may be asked.</summary>
    NotAsked,

    /// <summary>It names another master by now, or runs a failover: it was not asked.</summary>
    Overtaken,

    /// <summary>It may have heard it.</summary>
    NoAnswer,
}

/// <summary>Kind and words.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Text">As sent, or why there is no answer.</param>
public sealed record FailoverAnswer(FailoverAnswerKind Kind, string Text)
{
    /// <summary>Null where it began; else what stands in the way, or why that is not known.</summary>
    public string? Obstacle => Text == "OK" ? null : Text;
}
