using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Release;

/// <summary>The workflows of a public CI: they call the scripts that there are, with options that these have.</summary>
public sealed partial class WorkflowTests
{
    [ToolTheory("bash")]
    [InlineData("ci.yml", ".ci/run")]
    [InlineData("release.yml", "scripts/images", "scripts/release")]
    public async Task A_workflow_calls_scripts_with_options_that_they_have(string workflow, params string[] scripts)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, ".github", "workflows", workflow));
        var root = Assert.Single(YamlExtensions.Parse(text));
        var lines = root.Map("jobs").Keys.SelectMany(job => root.Items("jobs", job, "steps")).Select(step => step.Text("run"))
            .OfType<string>().SelectMany(run => run.Split('\n')).ToArray();
        var calls = lines.SelectMany(line => Call().Matches(line)).ToArray();

        Assert.Equal(scripts, calls.Select(call => call.Groups["script"].Value));
        foreach (var call in calls)
        {
            var help = await ReleaseRepository.RunAsync(Path.Combine(Repository.Root, call.Groups["script"].Value), "--help");
            Assert.All(Option().Matches(call.Groups["arguments"].Value),
                option => Assert.Contains(option.Value, help, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void An_action_of_others_is_named_by_its_commit_since_a_tag_can_be_moved()
    {
        var uses = Directory.EnumerateFiles(Path.Combine(Repository.Root, ".github", "workflows"), "*.yml")
            .SelectMany(File.ReadLines).Where(line => line.Contains("uses:", StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(uses);
        Assert.All(uses, line => Assert.Matches("uses: [a-z/-]+@[0-9a-f]{40} # v[0-9]+\\.[0-9]+\\.[0-9]+$", line));
        // One version each, so that what was tested is what releases.
        Assert.Distinct(uses.Select(line => line.Split("uses: ")[1]).Distinct().Select(action => action.Split('@')[0]));
    }

    [GeneratedRegex(@"(?<script>\.ci/run|scripts/[a-z]+)(?<arguments>.*)")]
    private static partial Regex Call();

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex Option();
}
