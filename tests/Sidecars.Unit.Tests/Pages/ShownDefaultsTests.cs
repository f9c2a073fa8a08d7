using System.CommandLine;
using System.Text.RegularExpressions;
using Sidecars.Backup;
using Sidecars.Backup.Options;
using Sidecars.Backup.Restore;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Failover;
using Sidecars.Failover.Options;
using Sidecars.Failover.Status;
using Sidecars.Probe;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>What <c>--help</c> shows as a default can be given as it is shown: people copy it, and change a digit.</summary>
public sealed partial class ShownDefaultsTests
{
    [Theory]
    [InlineData("redis-failover", "step-down --timeout", "status --output", "status --color")]
    [InlineData("redis-backup", "now --wait", "restore --to", "list --output", "completion --output")]
    public void The_default_of_an_option_is_a_value_that_it_takes(string program, params string[] some)
    {
        var root = Root(program);
        var shown = (from command in root.Subcommands
                     from option in command.Options.Concat(root.Options.Where(option => option.Recursive))
                     let value = Default(option)
                     where value is not null
                     select (Command: command, Option: option.Name, Value: value!)).ToArray();

        Assert.Subset(shown.Select(one => $"{one.Command.Name} {one.Option}").ToHashSet(), some.ToHashSet());
        Assert.All(shown, one =>
        {
            var words = one.Command.Arguments.Select(argument => argument.Name == "shell" ? "bash" : "word");
            var parsed = root.Parse([one.Command.Name, .. words, one.Option, one.Value]);
            Assert.True(parsed.Errors.Count == 0, $"{one}: {string.Join("; ", parsed.Errors)}");
            // What the option itself leaves to the command.
            if (one.Option == "--to") Assert.NotNull(RestoreTarget.Parse(one.Value));
        });
    }

    [Theory]
    [InlineData("redis-bootstrap", 30)]
    [InlineData("redis-failover", 30)]
    [InlineData("redis-backup", 30)]
    [InlineData("redis-probe", 8)]
    public void The_default_of_a_setting_is_a_value_that_it_takes(string program, int least)
    {
        var (settings, unset) = Read(program, []);
        var shown = settings.Where(setting => setting.Default is { Length: > 0 }).ToArray();

        Assert.True(shown.Length >= least, $"{shown.Length} defaults");
        // A word for each that is missing, and no other mistake.
        Assert.All(shown, setting => Assert.Equal(unset, Read(program, new() { [setting.Name] = setting.Default! }).Mistakes));
    }

    // Words behind "default:" say what is done without a value; a value stands behind "default" alone, or comes from the option itself.
    private static string? Default(Option option) => option.HasDefaultValue
        ? option.GetDefaultValue()?.ToString()
        : Value().Match(option.Description ?? "") is { Success: true } match ? match.Groups[1].Value : null;

    private static RootCommand Root(string program)
    {
        var none = new SettingReader(new Dictionary<string, string>());
        return program == "redis-backup"
            ? new BackupCommands(null, none, TextWriter.Null, TextWriter.Null, null!).Root
            : new FailoverCommands(new CommandContext(null, none, none, TextWriter.Null, TextWriter.Null, null!), HostedCode.None).Root;
    }

    private static (IReadOnlyList<SettingDescription> Settings, IReadOnlyList<string> Mistakes) Read(
        string program, Dictionary<string, string> variables)
    {
        var (reader, publishing) = (new SettingReader(variables), new SettingReader(variables));
        switch (program)
        {
            case "redis-bootstrap": BootstrapOptions.Read(ServerMode.Redis, [], reader); break;
            case "redis-failover": FailoverOptions.Read(reader, publishing); break;
            case "redis-backup": BackupOptions.Read(reader); break;
            default: return ReadProbe(variables);
        }

        return ([.. reader.Settings, .. publishing.Settings], [.. reader.Errors, .. publishing.Errors]);
    }

    private static (IReadOnlyList<SettingDescription> Settings, IReadOnlyList<string> Mistakes) ReadProbe(
        Dictionary<string, string> variables)
    {
        List<string> mistakes = [];
        ProbeOptions.Read(
            Sidecars.Probe.CommandLine.Parse("redis-probe", ["startup"], mistakes),
            name => variables.GetValueOrDefault(name), (_, _) => null, mistakes);
        var settings = SettingTables.OfHelp(ProbeHelp.Of("redis-probe"));
        // Some defaults are words: that of another setting.
        bool IsValue(SettingDescription setting) =>
            !settings.Any(other => setting.Default?.Contains(other.Name, StringComparison.Ordinal) == true);
        return ([.. settings.Where(IsValue)], mistakes);
    }

    [GeneratedRegex(@"[;,] default (\S+)$")]
    private static partial Regex Value();
}
