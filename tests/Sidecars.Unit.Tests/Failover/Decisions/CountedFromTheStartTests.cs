using System.Text;
using System.Text.RegularExpressions;
using Sidecars.Backup.Upload;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Telemetry;
using Sidecars.TestKit.Groups;

namespace Sidecars.Unit.Tests.Failover.Decisions;

/// <summary>
/// Counters whose labels are a closed set are there at 0 before anything happens: <c>increase</c> over a series that begins with its first
/// event is 0. The sets are compared with the code that uses their values.
/// </summary>
public sealed partial class CountedFromTheStartTests
{
    private static readonly string Failover = Path.Combine(Repository.Root, "src", "Sidecars.Failover");

    [Fact]
    public async Task Every_refusal_and_every_act_is_shown_before_it_happens()
    {
        var shown = new MetricSet();
        var metrics = new FailoverMetrics(shown);
        metrics.ExpectTarget("publish-route53");
        metrics.LoopStarted("fence");
        var publishing = new PublishMetrics(shown);
        publishing.Expect("route53");

        var series = await SeriesAsync(shown);

        Assert.Contains("sidecars_failover_refusals_total{loop=\"fence\",reason=\"fenced-doubted\"} 0", series);
        Assert.Contains("sidecars_failover_refusals_total{loop=\"publish-route53\",reason=\"throttled\"} 0", series);
        Assert.Contains("sidecars_failover_actions_total{action=\"failover\"} 0", series);
        Assert.Contains("sidecars_failover_action_failures_total{action=\"publish-route53\"} 0", series);
        Assert.Contains("sidecars_failover_loop_failures_total{loop=\"fence\"} 0", series);
        Assert.Contains("sidecars_failover_publish_writes_total{publisher=\"route53\"} 0", series);
        Assert.Contains("sidecars_failover_publish_outcomes_total{outcome=\"up-to-date\",publisher=\"route53\"} 0", series);
        Assert.Contains("sidecars_failover_switch_to_publish_seconds_count{publisher=\"route53\"} 0", series);
        metrics.Acted("failover", isDone: true);
        metrics.Refused("fence", "fenced-doubted");
        series = await SeriesAsync(shown);
        Assert.Contains("sidecars_failover_actions_total{action=\"failover\"} 1", series);
        Assert.Contains("sidecars_failover_refusals_total{loop=\"fence\",reason=\"fenced-doubted\"} 1", series);
    }

    [Fact]
    public void Every_reason_of_a_loop_on_the_page_is_shown()
    {
        // The rows of "By loop"; a row without a loop belongs to the one above. A reason with "…" is several.
        var page = Path.Combine(Repository.Root, "manifests", "docs", "refusals.md");
        var rows = File.ReadLines(page).SkipWhile(line => line != "## By loop")
            .Select(line => line.Split('|')).Where(cells => cells.Length == 5);
        var loop = "";
        HashSet<string> explained = [];
        foreach (var cells in rows)
        {
            if (Code().Match(cells[1]) is { Success: true } named) loop = named.Groups[1].Value;
            foreach (var reason in Code().Matches(cells[2]).Select(match => match.Groups[1].Value)) explained.Add($"{loop} {reason}");
        }

        explained.RemoveWhere(pair => pair.Contains('…', StringComparison.Ordinal));
        Assert.True(explained.Count > 40);
        Assert.Empty(explained.Except(RefusalReasons.All.Select(pair => string.Join(' ', pair))));
    }

    [Theory]
    [InlineData("ghosts", "Ghosts/GhostView.cs", "Ghosts/GhostRepairPolicy.cs")]
    [InlineData("fence", "Fence/FencePolicy.cs")]
    [InlineData("passwords", "Passwords/PasswordPolicy.cs")]
    [InlineData("publish", "Publish/PublishPolicy.cs")]
    [InlineData("death", "Death/DeathPolicy.cs", "../Sidecars.Core/Succession/SuccessionPolicy.cs")]
    [InlineData("abandoned", "Death/AbandonedPolicy.cs", "../Sidecars.Core/Succession/SuccessionPolicy.cs")]
    public void Every_reason_in_a_policy_is_shown(string loop, params string[] files)
    {
        var texts = files.Select(file => File.ReadAllText(Path.Combine(Failover, file)));
        var used = texts.SelectMany(text => Refusal().Matches(text)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.NotEmpty(used);
        Assert.Empty(used.Except(RefusalReasons.Of(loop)));
    }

    [Fact]
    public void Reasons_of_a_target_are_the_kinds_of_its_failures() =>
        Assert.Empty(Enum.GetNames<TargetFailureKind>().Select(kind => kind.ToLowerInvariant()).Except(RefusalReasons.OfTarget));

    [Fact]
    public void Every_act_is_shown()
    {
        var text = string.Concat(Files(Failover).Select(File.ReadAllText));
        var used = Acts().Matches(text).Concat(DecidedActs().Matches(text)).Select(match => match.Groups[1].Value)
            .Where(code => !code.StartsWith("would-", StringComparison.Ordinal)).ToHashSet();

        Assert.True(used.Count > 12);
        Assert.Empty(used.Except(ActionCodes.All));
        Assert.All(ActionCodes.All, code => Assert.Contains($"\"{code}\"", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_outcome_of_a_write_is_shown()
    {
        var text = string.Concat(Files(Path.Combine(Failover, "Publish")).Select(File.ReadAllText));
        var written = Written().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.NotEmpty(written);
        Assert.Empty(written.Except(PublishOutcome.Codes));
    }

    [Fact]
    public void Every_failure_of_a_backup_is_shown()
    {
        var text = string.Concat(Files(Path.Combine(Repository.Root, "src", "Sidecars.Backup")).Select(File.ReadAllText));
        var used = Ended().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.True(used.Count > 8);
        Assert.Empty(used.Except(UploadCounters.Reasons));
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static async Task<string[]> SeriesAsync(MetricSet metrics)
    {
        using var text = new MemoryStream();
        await metrics.Registry.CollectAndExportAsTextAsync(text);
        return Encoding.UTF8.GetString(text.ToArray()).Split('\n');
    }

    [GeneratedRegex("`([a-z…-]+)`")]
    private static partial Regex Code();

    [GeneratedRegex("""\.Refuse\(\s*"([a-z-]+)"(?!\s*\+)""")]
    private static partial Regex Refusal();

    [GeneratedRegex("""Acted\(\s*(?:Name|"[a-z-]+"),\s*"([a-z-]+)""")]
    private static partial Regex Acts();

    // The acts of decisions: codes of the base constructor, and of records that get theirs where they are made.
    [GeneratedRegex(
        """(?:: (?:HandOverRepairDecision|PasswordDecision)\(|\.SetMinReplicas\(|\.ReplicateWith\(PasswordAge\.[A-Za-z]+,)\s*"([a-z-]+)""")]
    private static partial Regex DecidedActs();

    [GeneratedRegex("""TargetPlan<\w+>\.Write\(\s*"([a-z-]+)""")]
    private static partial Regex Written();

    [GeneratedRegex("""(?:NewGeneration|GenerationEndedException)\(\s*"([a-z_]+)""")]
    private static partial Regex Ended();
}
