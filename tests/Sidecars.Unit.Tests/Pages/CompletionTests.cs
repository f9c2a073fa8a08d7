using System.CommandLine;
using System.Text.RegularExpressions;
using Sidecars.Backup;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Failover;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Probe;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>Completion scripts: bash's is driven by a bash; those of other shells are read by them where they are there.</summary>
public sealed partial class CompletionTests
{
    [Theory]
    [InlineData("redis-failover", "", "run step-down status passwords completion --help --version")]
    [InlineData("redis-failover", "st", "step-down status")]
    [InlineData("redis-failover", "status --", "--output --color --watch --explain --help")]
    [InlineData("redis-failover", "status --output ", "table json")]
    [InlineData("redis-failover", "status --output j", "json")]
    [InlineData("redis-failover", "status --watch --color a", "auto always")]
    [InlineData("redis-failover", "status --output = j", "json")] // as bash splits --output=j
    [InlineData("redis-failover", "status --output =", "table json")]
    [InlineData("redis-failover", "status --explain ", "")] // a file: bash's own completion
    [InlineData("redis-failover", "step-down --t", "--timeout --to --terminating")]
    [InlineData("redis-failover", "completion ", "bash zsh fish --help")]
    [InlineData("redis-backup", "re", "restore")]
    [InlineData("redis-backup", "restore --", "--to --target --dry-run --accept-gap --new-cluster-id --output --help")]
    [InlineData("redis-backup", "list --output t", "table")]
    [InlineData("redis-bootstrap", "", "redis sentinel start allow-empty trust --help --version")]
    [InlineData("redis-bootstrap", "s", "sentinel start")]
    [InlineData("redis-bootstrap", "trust ", "--help")]
    [InlineData("redis-probe", "", "startup liveness readiness --role --help --version")]
    [InlineData("redis-probe", "liveness --role ", "redis sentinel")]
    [InlineData("redis-probe", "--role s", "sentinel")]
    [InlineData("redis-probe-tls", "readiness --r", "--role")]
    public async Task Bash_offers_what_can_follow(string program, string typed, string offered)
    {
        var words = typed.Split(' ');
        var array = string.Join(' ', words.Prepend(program).Select(word => $"'{word}'"));
        var script = $"""
            set -euo pipefail
            {await PrintedAsync(program, "bash")}
            complete -p {program}
            COMP_WORDS=({array})
            COMP_CWORD={words.Length}
            _{program.Replace('-', '_')}
            printf 'offers %s\n' "${"{"}COMPREPLY[@]{"}"}"
            """;
        var lines = await RunAsync("bash", "-c", script);
        Assert.Equal($"complete -o default -F _{program.Replace('-', '_')} {program}", lines[0]);
        Assert.Equal(
            offered.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            lines.Skip(1).Select(line => line["offers ".Length..]).Where(word => word.Length > 0).Order(StringComparer.Ordinal));
    }

    [ShellFact("zsh")]
    public Task Zsh_reads_its_script() => ReadsAsync("zsh");

    [ShellFact("fish")]
    public Task Fish_reads_its_script() => ReadsAsync("fish");

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Every_subcommand_and_option_of_the_tree_is_in_the_script(string shell)
    {
        foreach (var program in (string[])["redis-failover", "redis-backup"])
        {
            var root = Root(program);
            var script = CompletionCommand.Script(shell, program, root);
            Assert.All(root.Subcommands, command => Assert.Contains(command.Name, script, StringComparison.Ordinal));
            Assert.All(
                root.Subcommands.SelectMany(command => command.Options),
                option => Assert.Contains(shell == "fish" ? $" -l {option.Name[2..]} " : option.Name, script, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task One_script_of_redis_failover_completes_the_executables_that_print_none()
    {
        var lines = await RunAsync("bash", "-c", await PrintedAsync("redis-failover", "bash") + "complete -p");
        Assert.Equal(
            ["redis-bootstrap", "redis-failover", "redis-probe", "redis-probe-tls"],
            lines.Where(line => line.Contains(" _redis_", StringComparison.Ordinal)).Select(line => line.Split(' ')[^1])
                .Order(StringComparer.Ordinal));
        Assert.DoesNotContain("redis-probe", await PrintedAsync("redis-backup", "bash"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_words_of_redis_bootstrap_are_those_of_its_help()
    {
        var settings = new SettingReader(new Dictionary<string, string>());
        BootstrapOptions.Read(null, [], settings);
        var program = NeighborCompletions.All.Single(other => other.Name == "redis-bootstrap");
        var shown = program.Commands.Select(command => (command.Name, command.Description));
        var usage = Usage(Sidecars.Bootstrap.CommandLine.Help(settings, 80));
        Assert.Equal(
            BootstrapUsage().Matches(usage)
                .Select(match => (match.Groups["word"].Value, Blanks().Replace(match.Groups["text"].Value, " ").Trim())),
            shown);
        Assert.EndsWith(
            $"  redis-bootstrap {string.Join(" | ", program.Root.Options.Select(option => option.Name))}", usage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis-probe")]
    [InlineData("redis-probe-tls")]
    public void The_words_of_the_probe_are_those_of_its_help(string name)
    {
        var help = ProbeHelp.Of(name);
        var program = NeighborCompletions.All.Single(other => other.Name == name);
        var valued = program.Root.Options.Where(option => !option.IsFlag)
            .Select(option => $"[{option.Name} {string.Join('|', option.Values)}]");
        var flags = program.Root.Options.Where(option => option.IsFlag).Select(option => option.Name);
        var words = string.Join('|', program.Commands.Select(command => command.Name));
        Assert.StartsWith(
            $"  {name} {words} {string.Join(' ', valued)}\n  {name} {string.Join(" | ", flags)}\n", Usage(help), StringComparison.Ordinal);
        Assert.All(program.Commands, command => Assert.Matches($"\n  {command.Name} +{command.Description}[:;]", help));
    }

    private static string Usage(string help)
    {
        var from = help.IndexOf("Usage:\n", StringComparison.Ordinal) + "Usage:\n".Length;
        return help[from..help.IndexOf("\n\n", from, StringComparison.Ordinal)];
    }

    // What the command of a program prints; for those without one, that of redis-failover.
    private static async Task<string> PrintedAsync(string program, string shell)
    {
        await using var output = new StringWriter();
        var root = Root(program, output);
        Assert.Equal(0, await root.Parse(["completion", shell]).InvokeAsync());
        return output.ToString();
    }

    private static async Task ReadsAsync(string shell)
    {
        foreach (var program in (string[])["redis-failover", "redis-backup"])
        {
            var file = Path.GetTempFileName();
            try
            {
                await File.WriteAllTextAsync(file, await PrintedAsync(program, shell));
                await RunAsync(shell, "-n", file);
            }
            finally
            {
                File.Delete(file);
            }
        }
    }

    private static async Task<IReadOnlyList<string>> RunAsync(string program, params string[] arguments)
    {
        await using var process = await ServerProcess.StartAsync(new ServerStart(program, arguments));
        Assert.True(await process.WaitForExitAsync() == 0, process.Tail());
        return [.. process.Output];
    }

    private static RootCommand Root(string program, TextWriter? output = null)
    {
        output ??= TextWriter.Null;
        var none = new SettingReader(new Dictionary<string, string>());
        return program == "redis-backup"
            ? new BackupCommands(null, none, output, TextWriter.Null, null!).Root
            : new FailoverCommands(new CommandContext(null, none, none, output, TextWriter.Null, null!), HostedCode.None).Root;
    }

    [GeneratedRegex(@"^  redis-bootstrap (?<word>[a-z-]+)\b.*\n(?<text>(?:      .*\n?)+)", RegexOptions.Multiline)]
    private static partial Regex BootstrapUsage();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}

/// <summary>Is skipped where a shell is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellFactAttribute : FactAttribute
{
    public ShellFactAttribute(string shell)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, shell)))) Skip = $"{shell} is not installed";
    }
}
