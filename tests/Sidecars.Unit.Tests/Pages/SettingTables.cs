using System.Text;
using System.Text.RegularExpressions;
using Sidecars.Backup.Options;
using Sidecars.Bootstrap.Options;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Options;
using Sidecars.Probe;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>The tables of the settings page, from the code that reads the settings and that <c>--help</c> prints.</summary>
internal static partial class SettingTables
{
    private static readonly Dictionary<string, string> NothingSet = [];

    /// <summary>Markdown by the name of the table. What redis-bootstrap and redis-failover read alike is in "group" alone.</summary>
    public static IReadOnlyDictionary<string, string> Render()
    {
        var bootstrap = new SettingReader(NothingSet);
        BootstrapOptions.Read(null, [], bootstrap);
        var (failover, publishing) = (new SettingReader(NothingSet), new SettingReader(NothingSet));
        FailoverOptions.Read(failover, publishing);
        var backup = new SettingReader(NothingSet);
        BackupOptions.Read(backup);
        var group = bootstrap.Settings.Intersect(failover.Settings).ToArray();
        return new Dictionary<string, string>
        {
            ["group"] = Table(group),
            ["redis-bootstrap"] = Table(bootstrap.Settings.Except(group)),
            ["redis-failover"] = Table(failover.Settings.Except(group)),
            ["publishing"] = Table(publishing.Settings),
            ["redis-backup"] = Table(backup.Settings),
            ["redis-probe"] = Table(OfHelp(ProbeHelp.Of("redis-probe"))),
        };
    }

    /// <summary>The settings in the text of redis-probe, which builds no descriptions at its start.</summary>
    internal static IReadOnlyList<SettingDescription> OfHelp(string help)
    {
        var settings = new List<SettingDescription>();
        var section = "";
        foreach (var line in help[help.IndexOf("Settings (environment):", StringComparison.Ordinal)..].Split('\n').Skip(1))
        {
            if (HelpName().Match(line) is { Success: true } name)
            {
                var value = name.Groups["default"] is { Success: true } given ? given.Value : null;
                settings.Add(new SettingDescription(name.Groups["names"].Value, name.Groups["kind"].Value, value, "", IsRequired: false)
                { Section = section });
            }
            else if (line.Length > 0 && !line.StartsWith(' '))
            {
                section = line;
            }
            else if (line.Trim() is { Length: > 0 } text)
            {
                settings[^1] = settings[^1] with { Description = $"{settings[^1].Description} {text}".TrimStart() };
            }
        }

        return settings;
    }

    private static string Table(IEnumerable<SettingDescription> settings)
    {
        var table = new StringBuilder("| setting | takes | default | meaning |\n|---|---|---|---|");
        var grouped = settings.GroupBy(setting => setting.Section).SelectMany(section => section);
        var heading = "";
        foreach (var setting in grouped)
        {
            if (setting.Section != heading) table.Append("\n| **").Append(heading = setting.Section).Append("** | | | |");
            string[] cells = [Names(setting.Name), Escaped(setting.Kind), Default(setting), Escaped(setting.Description)];
            table.Append("\n| ").AppendJoin(" | ", cells).Append(" |");
        }

        return table.ToString();
    }

    // Several variables can share a row ("A, B"); words are no variable.
    private static string Names(string names) =>
        names.Any(char.IsAsciiLetterLower) ? names : string.Join(", ", names.Split(", ").Select(name => $"`{name}`"));

    private static string Default(SettingDescription setting) => setting switch
    {
        { IsRequired: true } => "required",
        { Default: null } => "",
        { Default: "" } => "empty",
        // Depends on the machine that renders the page.
        { Default: { } path } when path.StartsWith(Path.GetTempPath(), StringComparison.Ordinal) =>
            $"`$TMPDIR/{path[Path.GetTempPath().Length..]}`",
        _ => $"`{setting.Default}`",
    };

    private static string Escaped(string text) =>
        text.Replace("|", @"\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    [GeneratedRegex(@"^  (?<names>\S[^(]*) \((?<kind>[^)]*)\)(, default (?<default>.+))?$")]
    private static partial Regex HelpName();
}
