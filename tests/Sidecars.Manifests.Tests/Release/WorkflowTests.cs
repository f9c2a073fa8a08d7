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

    [GeneratedRegex(@"(?<script>\.ci/run|scripts/[a-z]+)(?<arguments>.*)")]
    private static partial Regex Call();

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex Option();
}
