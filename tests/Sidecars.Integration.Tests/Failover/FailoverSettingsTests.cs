using System.Text.RegularExpressions;
using Sidecars.Core.Hosting;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Pages;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

public sealed partial class FailoverSettingsTests
{
    private static readonly Dictionary<string, string> Least =
        new() { ["REDIS_SENTINEL_SERVICE_HOST"] = "127.0.0.1:1", ["REDIS_SERVER_SERVICE_HOST"] = "127.0.0.1:2", ["METRICS_PORT"] = "0" };

    [Fact]
    public async Task All_mistakes_are_listed_at_once_and_the_exit_code_is_2()
    {
        await using var process = await StartAsync(
            new() { ["REDIS_COUNT"] = "0", ["WATCH_PERIOD"] = "soon", ["SENTINEL_INFO_PERIOD"] = "100" }, "run");
        Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync());
        foreach (var name in (string[])["REDIS_COUNT", "WATCH_PERIOD", "SENTINEL_INFO_PERIOD is '100ms'; it must be 0 or from 300ms to 10s",
            "REDIS_SENTINEL_SERVICE_HOST is not set"])
            Assert.Contains(process.Output, line => line.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_lists_what_the_page_of_settings_lists()
    {
        await using var process = await StartAsync([], "--help");
        Assert.Equal(ExitCode.Ok, await process.WaitForExitAsync());
        var listed = process.Output.Select(line => HelpLine().Match(line)).Where(match => match.Success)
            .Select(match => match.Groups[1].Value).ToHashSet();
        var named = SettingsPage.Names("group", "redis-failover", "publishing");
        Assert.True(named.Count > 40, "the tables are read");
        Assert.Equal(named, listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task SIGTERM_ends_it_with_143_whatever_is_missing()
    {
        await using var process = await StartAsync(Least, "run");
        await process.WaitForLineAsync(line => line.Contains("\"started\"", StringComparison.Ordinal), "its first line");
        Assert.Equal(ExitCode.Terminated, await process.TerminateAsync());
    }

    private static Task<ServerProcess> StartAsync(Dictionary<string, string> environment, params string[] arguments) =>
        ServerProcess.StartAsync(new ServerStart(Repository.NativeExecutable("redis-failover"), arguments) { Environment = environment });

    [GeneratedRegex(@"^  ([A-Z][A-Z0-9_]+) \(")]
    private static partial Regex HelpLine();
}
