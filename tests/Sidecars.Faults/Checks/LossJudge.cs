using Sidecars.Faults.Faults;
using Sidecars.Faults.Planning;

namespace Sidecars.Faults.Checks;

/// <summary>Writes of a round that were acknowledged and are not there.</summary>
/// <param name="Count">How many.</param>
/// <param name="FromMs">The first, milliseconds after the begin of the fault that excuses it (or of the round).</param>
/// <param name="ToMs">The last.</param>
/// <param name="Excused">By asynchronous replication; the others are a violation.</param>
internal sealed record Loss(int Count, double FromMs, double ToMs, bool Excused);

/// <summary>
/// Says which lost writes asynchronous replication excuses. A write is acknowledged before it is replicated, so a master that dies or is
/// cut off takes some with it; but none that was acknowledged after min-replicas or the fence had closed it, and none where
/// nothing kept master and replicas apart. Pure.
/// </summary>
internal static class LossJudge
{
    private static readonly TimeSpan InFlight = TimeSpan.FromSeconds(2); // from the acknowledgement to the replicas, on a busy machine
    private static readonly TimeSpan KillTakes = TimeSpan.FromSeconds(0.5);
    // from SIGCONT until the fence that waits in its sockets is set, on a busy machine
    private static readonly TimeSpan WakingTakes = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan BackupDelay = TimeSpan.FromSeconds(5); // the tail is shipped once a second, on a busy machine
    private static readonly TimeSpan FenceSlack = TimeSpan.FromSeconds(1); // as in I3

    /// <summary>Judges.</summary>
    /// <param name="lost">When the lost writes were acknowledged, monotonic timestamps.</param>
    /// <param name="faults">Of the round.</param>
    /// <param name="roundBegan">Monotonic timestamp.</param>
    /// <param name="downAfter">Sentinel's.</param>
    public static IReadOnlyList<Loss> Judge(
        IReadOnlyList<long> lost, IReadOnlyList<ActiveFault> faults, long roundBegan, TimeSpan downAfter)
    {
        var excused = new Dictionary<ActiveFault, List<double>>();
        var others = new List<double>();
        foreach (var at in lost)
        {
            var by = faults.FirstOrDefault(fault => Excuses(fault, at, downAfter));
            if (by is null) others.Add(Ms(roundBegan, at));
            else (excused.TryGetValue(by, out var list) ? list : excused[by] = []).Add(Ms(by.Began, at));
        }

        var losses = excused.Values.Select(list => new Loss(list.Count, list.Min(), list.Max(), Excused: true)).ToList();
        if (others.Count > 0) losses.Add(new Loss(others.Count, others.Min(), others.Max(), Excused: false));
        return losses;
    }

    /// <summary>The invariant that a round's unexcused loss breaks.</summary>
    public static string Invariant(IReadOnlyList<ActiveFault> faults) =>
        faults.Any(f => f.Step.Kind is FaultKind.StepDown or FaultKind.TerminateRedis or FaultKind.ReplacePod or FaultKind.ScaleToZero)
            ? "I1"
        : faults.Any(f => f.Step.Kind is FaultKind.KillAllRedis or FaultKind.KillEverything) ? "I2" : "I3/loss";

    private static bool Excuses(ActiveFault fault, long at, TimeSpan downAfter)
    {
        if (fault.Losses == Losses.Everything) return Ms(fault.Began, at) <= KillTakes.TotalMilliseconds;
        var early = fault.Losses == Losses.SinceBackup ? BackupDelay : InFlight;
        if (fault.Losses == Losses.None || Ms(fault.Began, at) < -early.TotalMilliseconds) return false;
        var fenced = (downAfter + FenceSlack).TotalMilliseconds;
        return fault.Losses switch
        {
            Losses.AtBegin or Losses.SinceBackup => Ms(fault.Began, at) <= KillTakes.TotalMilliseconds,
            Losses.UntilFenced => Ms(fault.Began, at) <= fenced || IsOfWaking(fault, at),
            _ => fault.Ended is not { } ended || Ms(ended, at) <= fenced,
        };
    }

    // A stopped master that another has replaced meanwhile wakes with writes in its sockets, and answers them before it reads its
    // sidecar's fence: nobody can close a stopped process.
    private static bool IsOfWaking(ActiveFault fault, long at) =>
        fault is { Step.Kind: FaultKind.PauseRedis or FaultKind.BlockLog, Ended: { } ended } && Ms(ended, at) >= 0
        && Ms(ended, at) <= WakingTakes.TotalMilliseconds;

    private static double Ms(long from, long to) => TimeProvider.System.GetElapsedTime(from, to).TotalMilliseconds;
}
