using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Output;

/// <summary>What is printed at the end.</summary>
internal static class Summary
{
    public static void Print(TextWriter output, Paint paint, Figures figures)
    {
        output.WriteLine();
        output.WriteLine(paint.Strong($"{"step",-52}{"healed",9}{"gap",9}{"writes",11}{"lost",6}"));
        output.WriteLine($"{"start from nothing to the first acknowledged write",-52}{figures.FirstWriteSeconds,7:0.00} s");
        foreach (var step in figures.Steps)
        {
            var lost = $"{step.LostWrites,6}";
            output.WriteLine($"{step.Step,-52}{step.HealedSeconds,7:0.00} s{step.LongestGapSeconds,7:0.00} s{StateTable.Count(step.AcknowledgedWrites),11}"
                + (step.LostWrites == 0 ? paint.Good(lost) : step.MayLose is not null ? paint.Doubtful(lost) : paint.Bad(lost)));
        }

        output.WriteLine();
        output.WriteLine($"{StateTable.Count(figures.AcknowledgedWrites)} writes acknowledged, {StateTable.Count(figures.LostWrites)} of them lost; "
            + $"{StateTable.Count(figures.RefusedWrites)} refused, {StateTable.Count(figures.UnansweredWrites)} without an answer");
        foreach (var reason in figures.Steps.Where(s => s is { MayLose: not null, LostWrites: > 0 }).GroupBy(s => s.MayLose))
            output.WriteLine($"{StateTable.Count(reason.Sum(s => s.LostWrites))} of the lost were {reason.Key}");
        output.WriteLine(figures.TwoMastersAccepted == 0
            ? "never did two masters accept writes"
            : paint.Bad($"two masters accepted writes {figures.TwoMastersAccepted} times"));
        foreach (var sentence in figures.Broken) output.WriteLine(paint.Bad("BROKEN: " + sentence));
        if (figures.Broken.Count == 0) output.WriteLine(paint.Good("all held"));
    }

    public static void PrintKept(TextWriter output, LocalGroup group)
    {
        var pids = string.Join(' ', group.All.Where(n => n.Running).Select(n => n.Process!.Pid));
        var sentinel = group.Sentinels[0].Endpoint.Port;
        output.WriteLine($"""

            The group runs on. Where the master is:
              redis-cli -p {sentinel} sentinel get-master-addr-by-name {group.Options.EffectiveMasterName}
            The nodes:
            {string.Join('\n', group.All.Select(n => $"  {n.Name,-12}redis-cli -p {n.Endpoint.Port,-6} log {n.LogFile}"))}
            To end it and remove everything:
              kill -KILL {pids}; rm -r {group.Folder}
            """);
    }
}
