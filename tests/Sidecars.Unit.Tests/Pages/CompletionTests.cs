using System.CommandLine;
using Sidecars.Backup;
using Sidecars.Core.Hosting;
using Sidecars.Failover;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>Completion scripts: bash's is driven by a bash; those of other shells are read by them where they are there.</summary>
public sealed class CompletionTests
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
    [InlineData("redis-failover", "step-down --t", "--timeout --to")]
    [InlineData("redis-failover", "completion ", "bash zsh fish --help")]
    [InlineData("redis-backup", "re", "restore")]
    [InlineData("redis-backup", "restore --", "--to --target --dry-run --accept-gap --new-cluster-id --output --help")]
    [InlineData("redis-backup", "list --output t", "table")]
    public async Task Bash_offers_what_can_follow(string program, string typed, string offered)
    {
        var words = typed.Split(' ');
        var array = string.Join(' ', words.Prepend(program).Select(word => $"'{word}'"));
        var script = $"""
            set -euo pipefail
            {CompletionCommand.Script("bash", program, Root(program))}
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

    private static async Task ReadsAsync(string shell)
    {
        foreach (var program in (string[])["redis-failover", "redis-backup"])
        {
            var file = Path.GetTempFileName();
            try
            {
                await File.WriteAllTextAsync(file, CompletionCommand.Script(shell, program, Root(program)));
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

    private static RootCommand Root(string program)
    {
        var none = new SettingReader(new Dictionary<string, string>());
        return program == "redis-backup"
            ? new BackupCommands(null, none, TextWriter.Null, TextWriter.Null, null!).Root
            : new FailoverCommands(new CommandContext(null, none, none, TextWriter.Null, TextWriter.Null, null!), HostedCode.None).Root;
    }
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
