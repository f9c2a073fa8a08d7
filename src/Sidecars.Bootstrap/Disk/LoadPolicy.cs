using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Disk;

/// <summary>Whether a server is to be started on the data here, before it; a closed set.</summary>
public abstract record LoadDecision
{
    private LoadDecision()
    {
    }

    /// <summary>Start on them.</summary>
    public sealed record Load : LoadDecision;

    /// <summary>A master replaces them anyway: keep them as a rescue, and start without.</summary>
    /// <param name="Reason">Why they would not load.</param>
    public sealed record PutAside(string Reason) : LoadDecision;

    /// <summary>Nobody else has these data: say so, and try again after the pause.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Pause">Since this process began.</param>
    public sealed record TryAgainAfter(string Reason, TimeSpan Pause) : LoadDecision;
}

/// <summary>
/// Data that a server would not load must not make it end and start for ever. Beside a master that replaces them they are put aside;
/// where they are the group's only ones, the next try waits, and a person is told. Pure.
/// </summary>
public static class LoadPolicy
{
    /// <summary>
    /// Starts that came to nothing before the files are held responsible. One may be an eviction or a kill for memory, and so may a second.
    /// </summary>
    public const int MaxFailedStarts = 3;

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10); // as kubelet begins
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(5); // as kubelet ends: a cause that passes is found within it
    private static readonly LoadDecision Load = new LoadDecision.Load();

    /// <summary>Decides.</summary>
    /// <param name="evidence">Of the disk.</param>
    /// <param name="failedStarts">See <see cref="StartRecord"/>.</param>
    /// <param name="follows">A master's data replace these.</param>
    public static LoadDecision Decide(DiskEvidence evidence, int failedStarts, bool follows)
    {
        if (evidence.Facts.Durability == Durability.None || evidence.State == DataState.Absent) return Load;
        var tried = failedStarts >= MaxFailedStarts
            ? string.Create(
                CultureInfo.InvariantCulture, $"the server was started {failedStarts} times on these files and never came to serve them")
            : null;
        if (follows && evidence.State == DataState.Suspect)
            return new LoadDecision.PutAside($"these data are not to be trusted: {evidence.Detail}");
        if (tried is null) return Load;
        return follows ? new LoadDecision.PutAside(tried) : new LoadDecision.TryAgainAfter(tried, Pause(failedStarts));
    }

    private static TimeSpan Pause(int failedStarts)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(failedStarts - MaxFailedStarts, 10));
        return pause < MaxPause ? pause : MaxPause;
    }
}
