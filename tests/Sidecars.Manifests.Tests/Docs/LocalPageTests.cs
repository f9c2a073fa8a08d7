using System.Globalization;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Images;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Docs;

/// <summary>
/// The lines of manifests/docs/local.md: those of the executables start a group that redis-failover status finds nothing wrong with, those
/// of the containers make what docker/compose.yaml needs and name what is in it.
/// </summary>
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

        var blocks = await BlocksAsync("Your own");
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

    [ToolFact("bash")]
    public async Task The_lines_of_the_page_make_the_password_files_that_the_containers_read()
    {
        using var folder = new TempFolder("secrets");
        folder.Folder("docker");

        var result = await Tool.RunAsync("bash", ["-euc", (await BlocksAsync("Containers"))[0]], folder: folder.Path);

        Assert.True(result.ExitCode == 0, result.Error);
        var files = Directory.GetFiles(folder.File("docker", "secrets"));
        var declared = ComposeFile.Load().Node.Map("secrets").Keys;
        Assert.Equal(declared.Order(StringComparer.Ordinal), files.Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var passwords = files.Select(File.ReadAllText).ToArray();
        Assert.Distinct(passwords);
        Assert.All(passwords, password => Assert.Matches("^[A-Za-z0-9]{43}$", password));
#pragma warning disable CA1416 // Linux only
        Assert.All(files, file => Assert.Equal(0b110_100_100, (int)File.GetUnixFileMode(file)));
        Assert.Equal(0b111_000_000, (int)File.GetUnixFileMode(folder.File("docker", "secrets")));
#pragma warning restore CA1416
    }

    [Fact]
    public async Task What_the_page_says_of_the_containers_is_in_their_file()
    {
        var compose = ComposeFile.Load();
        var lines = (await BlocksAsync("Containers")).Skip(1).SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All(lines, line =>
        {
            var words = line.Split(' ');
            Assert.Equal(["docker", "compose", "-f", "docker/compose.yaml"], words[..4]);
            if (words[4] is "exec" or "restart") Assert.Contains(words[5], compose.Services.Keys);
        });
        var table = (await SectionAsync("Containers")).Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal));
        var named = table.SelectMany(line => Port().Matches(line)).Select(port => port.Value).ToHashSet();
        Assert.Equal(compose.HostPorts.Select(port => port.Host).Order(), named.Union(Between(named)).Order());
    }

    // Three nodes each: the page names the first and the last port.
    private static IEnumerable<string> Between(IEnumerable<string> named)
    {
        var ports = named.Select(port => int.Parse(port, CultureInfo.InvariantCulture)).ToHashSet();
        return ports.Where(port => ports.Contains(port + 2)).Select(port => string.Create(CultureInfo.InvariantCulture, $"{port + 1}"));
    }

    private static async Task<string> SectionAsync(string title)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "manifests", "docs", "local.md"));
        return Assert.Single(page.Split("\n## "), section => section.StartsWith(title + "\n", StringComparison.Ordinal));
    }

    private static async Task<string[]> BlocksAsync(string title) =>
        [.. ShellBlock().Matches(await SectionAsync(title)).Select(block => block.Groups[1].Value)];

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

    [GeneratedRegex(@"(?<=[:`])\d{5}\b")]
    private static partial Regex Port();
}
