using System.Text.Encodings.Web;
using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.Pods;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults;

/// <summary>Plays many plans and sums up.</summary>
internal sealed class Campaign(FaultsOptions options, string folder, TextWriter output)
{
    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _gate = new();

    /// <summary>libfaketime where it is installed.</summary>
    public static string? FakeTimeLibrary { get; } =
        Directory.Exists("/usr/lib")
            ? Directory.EnumerateFiles("/usr/lib", "libfaketime.so.1",
                new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true }).FirstOrDefault()
            : null;

    /// <summary>Kinds that can be played here.</summary>
    public IReadOnlyList<FaultKind> Kinds { get; } = [.. options.Kinds.Where(kind => Obstacle(kind) is null)];

    /// <summary>Why a kind can't be played on this machine; null: it can.</summary>
    public static string? Obstacle(FaultKind kind) => FaultNames.TraitsOf(kind).Needs switch
    {
        FaultNeeds.FakeTime when FakeTimeLibrary is null => "libfaketime is not installed",
        FaultNeeds.SmallDisks => SmallDisk.Unavailable,
        _ => null,
    };

    /// <summary>The plans.</summary>
    public IEnumerable<CasePlan> Plans =>
        (options.Case is { } one ? [one] : Enumerable.Range(0, options.Count))
            .Select(index => CasePlanner.Plan(options.Seed, index, options.Hosts, Kinds))
            .Select(plan => options.NoHairpin ? plan with { Hairpin = false } : plan);

    /// <summary>
    /// Plays them; the exit code. Cancelled, it ends the cases under way at once, with what they started, and sums up the others.
    /// </summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        foreach (var kind in options.Kinds.Except(Kinds)) output.WriteLine($"left out: {FaultNames.Of(kind)}: {Obstacle(kind)}");
        var began = TimeProvider.System.GetTimestamp();
        var reports = new List<CaseReport>();
        var playing = Parallel.ForEachAsync(Plans,
            new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = cancellation }, async (plan, stop) =>
            {
                if (options.Limit is { } limit && TimeProvider.System.GetElapsedTime(began) > limit) return;
                var lines = new List<string>();
                var runner = new CaseRunner(plan, options.DownAfter, FakeTimeLibrary, lines.Add, stop)
                { Announce = options.Announce, KeepsOutput = options.Case is not null };
                var report = await runner.RunAsync();
                lock (_gate)
                {
                    reports.Add(report);
                    Show(report, lines);
                    Write(reports);
                }
            });
        await playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellation.IsCancellationRequested) await playing; // what failed is shown
        else output.WriteLine($"ended by a signal after {reports.Count} cases");
        var broken = reports.Count(r => r.Violations.Count > 0);
        output.WriteLine($"{reports.Count} cases, {reports.Sum(r => r.Rounds.Count)} rounds, "
            + $"{reports.Sum(r => r.Rounds.Sum(x => x.Acknowledged))} writes acknowledged, "
            + $"{reports.Sum(r => r.Rounds.Sum(x => x.Losses.Where(l => l.Excused).Sum(l => l.Count)))} lost within what asynchronous "
            + $"replication excuses, {broken} cases broke an invariant");
        return broken == 0 ? 0 : 1;
    }

    private void Show(CaseReport report, List<string> lines)
    {
        output.WriteLine(FormattableString.Invariant(
            $"case {report.Plan.Index} ({report.Plan.Hosts} hosts, {report.Seconds:0} s): ")
            + (report.Violations.Count == 0 ? "held" : "BROKEN"));
        foreach (var line in lines) output.WriteLine(line);
        foreach (var restart in report.Restarts) output.WriteLine("  ended by itself: " + restart);
        if (report.Output.Length > 0)
        {
            var file = Path.Combine(folder, FormattableString.Invariant($"seed-{report.Plan.Seed}-case-{report.Plan.Index}.log"));
            File.WriteAllText(
                file, $"{report.Plan}\n{string.Join('\n', report.Violations)}\n\n{string.Join('\n', lines)}\n\n{report.Output}\n");
            foreach (var violation in report.Violations) output.WriteLine("  " + violation.ToString().ReplaceLineEndings("\n    "));
            output.WriteLine($"  plan: {report.Plan}\n  output: {file}\n  again: {Again(report)}");
        }

        output.Flush();
    }

    private string Again(CaseReport report)
    {
        var more = options.Hosts == 0 ? "" : FormattableString.Invariant($" --hosts {options.Hosts}");
        var without = FaultNames.All.Except(options.Kinds).ToArray();
        if (without.Length > 0)
            more += without.Length <= options.Kinds.Count
                ? " --without " + string.Join(',', without.Select(FaultNames.Of))
                : " --only " + string.Join(',', options.Kinds.Select(FaultNames.Of));
        more +=
            options.Announce switch { PodAnnounce.PodName => " --announce name", PodAnnounce.PodAddress => " --announce address", _ => "" };
        if (options.NoHairpin) more += " --no-hairpin";
        return report.Reproduction + more + $" --down-after {DurationText.Of(options.DownAfter)}";
    }

    private void Write(List<CaseReport> reports) => File.WriteAllText(Path.Combine(folder, "summary.json"), JsonSerializer.Serialize(new
    {
        seed = options.Seed,
        cases = reports.Count,
        broken = reports.Count(r => r.Violations.Count > 0),
        acknowledged = reports.Sum(r => r.Rounds.Sum(x => x.Acknowledged)),
        excused = reports.Sum(r => r.Rounds.Sum(x => x.Losses.Where(l => l.Excused).Sum(l => l.Count))),
        details = reports.OrderBy(r => r.Plan.Index).Select(r => new
        {
            plan = r.Plan.ToString(),
            again = Again(r),
            seconds = r.Seconds,
            rounds = r.Rounds,
            longestDualMs = r.LongestDualMs,
            recordWrites = r.RecordWrites,
            endedByThemselves = r.Restarts,
            violations = r.Violations.Select(v => v.ToString()),
        }),
    }, Indented));
}
