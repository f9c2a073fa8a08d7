using System.CommandLine;
using System.Text.RegularExpressions;
using Sidecars.Backup;
using Sidecars.Backup.Options;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Failover;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Probe;

namespace Sidecars.Unit.Tests.Pages;

/// <summary><c>--help</c> of every command: options first, then the settings that the command reads, in the terminal's width.</summary>
public sealed partial class CommandHelpTests
{
    [Theory]
    [InlineData("run", "WATCH_PERIOD DNS_NAME LOG_LEVEL", "NO_COLOR")]
    [InlineData("step-down", "SENTINEL_DOWN_AFTER LOG_LEVEL SIDECAR_PASSWORD", "NO_COLOR DNS_NAME WATCH_PERIOD METRICS_PORT")]
    [InlineData("status", "NO_COLOR BACKUP_STORE DNS_NAME", "WATCH_PERIOD METRICS_PORT LOG_LEVEL")]
    [InlineData("passwords", "SIDECAR_PASSWORD", "DNS_NAME NO_COLOR WATCH_PERIOD LOG_LEVEL")]
    public async Task A_command_of_redis_failover_lists_what_it_reads(string command, string listed, string others) =>
        AssertListed(await FailoverAsync(80, command), listed, others);

    [Theory]
    [InlineData("run", "BACKUP_STORE BACKUP_FLUSH BACKUP_WINDOW METRICS_PORT LOG_LEVEL", "BACKUP_SCRATCH_DIR")]
    [InlineData("now", "BACKUP_STORE BACKUP_LEASE_RENEW REDIS_HOST", "METRICS_PORT BACKUP_SCRATCH_DIR LOG_LEVEL")]
    [InlineData("list", "BACKUP_STORE BACKUP_WINDOW", "BACKUP_FLUSH REDIS_HOST SIDECAR_PASSWORD BACKUP_SCRATCH_DIR")]
    [InlineData("show", "BACKUP_STORE CLUSTER_ID", "BACKUP_WINDOW BACKUP_FLUSH DATA_DIR")]
    [InlineData("restore", "BACKUP_STORE DATA_DIR BACKUP_SCRATCH_DIR", "BACKUP_FLUSH BACKUP_WINDOW METRICS_PORT")]
    [InlineData("verify", "BACKUP_STORE REDIS_SERVER_BIN", "BACKUP_FLUSH SIDECAR_PASSWORD")]
    [InlineData("prune", "BACKUP_STORE BACKUP_DAILY", "BACKUP_FLUSH DATA_DIR")]
    public async Task A_command_of_redis_backup_lists_what_it_reads(string command, string listed, string others) =>
        AssertListed(await BackupAsync(80, command), listed, others);

    [Fact]
    public async Task The_root_lists_every_setting_once()
    {
        var (failover, backup) = (await FailoverAsync(80), await BackupAsync(80));
        foreach (var (help, readers) in ((string, SettingReader[])[])[(failover, Failover()), (backup, [Backup()])])
            Assert.Equal(
                readers.SelectMany(reader => reader.Settings).Select(setting => setting.Name).Order(StringComparer.Ordinal),
                Settings(help).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    public async Task No_line_passes_the_width_and_options_come_before_settings(int width)
    {
        var texts = new List<string> { await FailoverAsync(width), await BackupAsync(width) };
        foreach (var command in (string[])["run", "step-down", "status", "passwords"]) texts.Add(await FailoverAsync(width, command));
        foreach (var command in (string[])["run", "now", "list", "show", "restore", "verify", "prune"])
            texts.Add(await BackupAsync(width, command));
        Assert.All(texts, text => Assert.True(
            text.IndexOf("Options:", StringComparison.Ordinal) is > 0 and var options
            && options < text.IndexOf("Settings (environment):", StringComparison.Ordinal), text));
        if (width == 80) texts.AddRange([ProbeHelp.Of("redis-probe"), ProbeHelp.Of("redis-probe-tls"), Bootstrap()]);
        Assert.All(texts, text => Assert.All(
            text.Split('\n'), line => Assert.True(line.TrimEnd().Length <= Math.Max(width, 80), $"{line.TrimEnd().Length}: {line}")));
    }

    [Fact]
    public void Every_setting_is_in_a_section()
    {
        var bootstrap = new SettingReader(new Dictionary<string, string>());
        BootstrapOptions.Read(null, [], bootstrap);
        foreach (var reader in (SettingReader[])[.. Failover(), Backup(), bootstrap])
            Assert.All(reader.Settings, setting => Assert.NotEmpty(setting.Section));
        Assert.All(SettingTables.OfHelp(ProbeHelp.Of("redis-probe")), setting => Assert.NotEmpty(setting.Section));
    }

    private static void AssertListed(string help, string listed, string others)
    {
        var names = Settings(help).ToHashSet();
        Assert.All(listed.Split(' '), name => Assert.Contains(name, names));
        Assert.All(others.Split(' '), name => Assert.DoesNotContain(name, names));
    }

    private static IEnumerable<string> Settings(string help) => Name().Matches(help).Select(match => match.Groups[1].Value);

    private static SettingReader[] Failover()
    {
        SettingReader[] readers = [new(new Dictionary<string, string>()), new(new Dictionary<string, string>())];
        FailoverOptions.Read(readers[0], readers[1]);
        return readers;
    }

    private static SettingReader Backup()
    {
        var reader = new SettingReader(new Dictionary<string, string>());
        BackupOptions.Read(reader);
        return reader;
    }

    private static string Bootstrap()
    {
        var reader = new SettingReader(new Dictionary<string, string>());
        BootstrapOptions.Read(null, [], reader);
        return Sidecars.Bootstrap.CommandLine.Help(reader, 80);
    }

    private static async Task<string> FailoverAsync(int width, params string[] command)
    {
        var readers = Failover();
        var commands = new FailoverCommands(
            new CommandContext(null, readers[0], readers[1], TextWriter.Null, TextWriter.Null, null!), HostedCode.None);
        commands.WrapHelp(width);
        var (text, name) = await HelpAsync(commands.Root, command);
        return text + commands.SettingsHelp(name, width) + FailoverCommands.ExitCodes;
    }

    private static async Task<string> BackupAsync(int width, params string[] command)
    {
        var commands = new BackupCommands(null, Backup(), TextWriter.Null, TextWriter.Null, null!);
        commands.WrapHelp(width);
        var (text, name) = await HelpAsync(commands.Root, command);
        return text + commands.SettingsHelp(name, width) + BackupCommands.ExitCodes;
    }

    private static async Task<(string Text, string Command)> HelpAsync(RootCommand root, string[] command)
    {
        await using var output = new StringWriter();
        var parsed = root.Parse([.. command, "--help"]);
        Assert.Empty(parsed.Errors);
        Assert.Equal(0, await parsed.InvokeAsync(new() { Output = output }));
        return (output.ToString(), parsed.CommandResult.Command.Name);
    }

    [GeneratedRegex(@"^  ([A-Z][A-Z0-9_]+) \(", RegexOptions.Multiline)]
    private static partial Regex Name();
}
