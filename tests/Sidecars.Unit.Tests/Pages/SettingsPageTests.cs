using Sidecars.Core.Hosting;
using Sidecars.TestKit.Pages;

namespace Sidecars.Unit.Tests.Pages;

/// <summary>
/// The settings page says what the code reads. After a change of settings:
/// <c>SIDECARS_GOLDEN=write dotnet test tests/Sidecars.Unit.Tests --filter SettingsPage</c>.
/// </summary>
public sealed class SettingsPageTests
{
    private const string Regenerate =
        "manifests/docs/settings.md differs from the code. To regenerate: "
        + "SIDECARS_GOLDEN=write dotnet test tests/Sidecars.Unit.Tests --filter SettingsPage";

    [Fact]
    public void The_tables_are_those_of_the_code()
    {
        var page = File.ReadAllText(SettingsPage.FilePath);
        var tables = SettingTables.Render();
        if (Environment.GetEnvironmentVariable("SIDECARS_GOLDEN") == "write")
        {
            page = SettingsPage.With(page, tables);
            File.WriteAllText(SettingsPage.FilePath, page);
        }

        var shown = SettingsPage.Tables(page);
        Assert.Equal(tables.Keys.Order(), shown.Keys.Order());
        foreach (var (name, rows) in tables)
            if (rows != shown[name]) Assert.Fail($"{name}: {Regenerate}\n{FirstDifference(rows, shown[name])}");
    }

    [Theory]
    [InlineData("group", "CLUSTER_ID")]
    [InlineData("group", "REDIS_PASSWORD_PREVIOUS_FILE")]
    [InlineData("redis-bootstrap", "UNCLEAN_ELECTION_AFTER")]
    [InlineData("redis-failover", "WATCH_PERIOD")]
    [InlineData("publishing", "DNS_NAME")]
    [InlineData("redis-backup", "BACKUP_STORE")]
    [InlineData("redis-probe", "PROBE_TIMEOUT")]
    [InlineData("redis-probe", "POD_IP")]
    public void A_setting_is_in_the_table_of_who_reads_it(string table, string name) => Assert.Contains(name, SettingsPage.Names(table));

    [Fact]
    public void What_the_help_of_the_probe_says_is_read_whole()
    {
        var settings = SettingTables.OfHelp("""
            words before (these are none)
            Settings (environment):

            Addresses
              A_PORT (1..65535), default 6379
                  Port
                  of A.

            Files
              B, C (path)
                  Files.
            """);
        SettingDescription[] expected =
        [
            new("A_PORT", "1..65535", "6379", "Port of A.", IsRequired: false) { Section = "Addresses" },
            new("B, C", "path", null, "Files.", IsRequired: false) { Section = "Files" },
        ];
        Assert.Equal(expected, settings);
    }

    private static string FirstDifference(string expected, string actual)
    {
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(left.Length, right.Length))
            .First(i => left.ElementAtOrDefault(i) != right.ElementAtOrDefault(i));
        return $"code: {left.ElementAtOrDefault(line)}\npage: {right.ElementAtOrDefault(line)}";
    }
}
