using System.Globalization;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Docs;

/// <summary>The lines of manifests/docs/local.md start a group that redis-failover status finds nothing wrong with.</summary>
public sealed partial class LocalPageTests
{
    [ToolFact("bash", "redis-server", "redis-sentinel")]
    public async Task The_lines_of_the_page_start_a_group_that_is_well()
    {
        using var folder = new TempFolder("local");
        // The managed build beside this test: no native publish is needed.
        foreach (var name in (string[])["redis-bootstrap", "redis-failover"])
        {
            var program = $"#!/bin/sh\nexec dotnet {Path.Combine(AppContext.BaseDirectory, name)}.dll \"$@\"\n";
            Assert.Equal(0, (await Tool.RunAsync("chmod", ["+x", folder.Write($"bin/{name}", program)])).ExitCode);
        }

        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "manifests", "docs", "local.md"));
        var blocks = ShellBlock().Matches(page).Select(block => block.Groups[1].Value).ToArray();
        Assert.Equal(2, blocks.Length);

        const string UntilWell = """
            for try in $(seq 60); do redis-failover status >status && exit 0; sleep 1; done
            cat status group/*.log
            exit 1
            """;
        var script = folder.Write("page.sh", WithFreePorts($"""
            trap 'kill $(jobs -p); wait' EXIT
            {blocks[0]}
            {blocks[1].Replace("redis-failover status", UntilWell, StringComparison.Ordinal)}
            """));
        var variables = new Dictionary<string, string> { ["PATH"] = $"{folder.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}" };
        var result = await Tool.RunAsync("bash", [script], variables, folder.Path);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains("redis.local.example", await File.ReadAllTextAsync(folder.File("group", "zone")), StringComparison.Ordinal);
    }

    // Node n listens at the base and n.
    private static string WithFreePorts(string script) =>
        Base().Replace(script, match => string.Create(CultureInfo.InvariantCulture, $"{match.Groups[1].Value}={ThreeFreePorts() - 1}"));

    private static int ThreeFreePorts()
    {
        while (true)
        {
            var ports = FreePort.Next(3);
            if (ports[2] == ports[0] + 2) return ports[0];
        }
    }

    [GeneratedRegex("```bash\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"\b(redis|sentinel|metrics)=7\d00\b")]
    private static partial Regex Base();
}
