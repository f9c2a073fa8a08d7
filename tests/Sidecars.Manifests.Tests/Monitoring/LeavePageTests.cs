using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Monitoring;

/// <summary>The lines of manifests/runbooks/leave.md that make a replica outside, and passwords on all pages.</summary>
public sealed partial class LeavePageTests
{
    private const string Password = "of-the-replication 'and' more";

    // The cluster has the Secret, and nothing else is asked of it.
    private const string Kubectl = """
        #!/bin/sh
        [ "$*" = "-n shop get secret redis-auth -o jsonpath={.data.replication-password}" ] || exit 1
        printf %s "$SECRET" | base64 -w0
        """;

    [ToolFact("bash", "redis-server", "redis-cli")]
    public async Task A_replica_outside_logs_in_with_the_password_of_the_Secret()
    {
        using var folder = new TempFolder("leave");
        await using var master = await RedisProcess.StartAsync($"user repl-shop/redis on \">{Password}\" +psync +replconf +ping");
        await using var outside = await RedisProcess.StartAsync();
        Assert.Equal(0, (await Tool.RunAsync("chmod", ["+x", folder.Write("kubectl", Kubectl)])).ExitCode);
        var lines = Assert.Single(Blocks("leave.md"), block => block.Contains("masterauth", StringComparison.Ordinal))
            .Replace("-h NEW", $"-p {outside.Port}", StringComparison.Ordinal)
            .Replace("redis-master.NAME.svc 6379", $"127.0.0.1 {master.Port}", StringComparison.Ordinal)
            .Replace("NAME", "shop", StringComparison.Ordinal);
        var variables = new Dictionary<string, string>
        {
            ["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}",
            ["SECRET"] = Password,
        };

        var result = await Tool.RunAsync("bash", ["-euo", "pipefail", "-c", lines], variables);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains("role:slave", result.Output, StringComparison.Ordinal);
        await Eventually.UntilAsync("the link to be up", async () =>
            (await Tool.RunAsync("redis-cli", ["-p", $"{outside.Port}", "info", "replication"])).Output
                .Contains("master_link_status:up", StringComparison.Ordinal));
    }

    [Fact]
    public void No_command_of_a_page_has_a_password_among_its_arguments()
    {
        string[] pages = [.. Directory.EnumerateFiles(Path.Combine(Renders.Folder, "runbooks"), "*.md").Select(Path.GetFileName)!];
        var commands = pages.SelectMany(Blocks).SelectMany(block => block.Split('\n')).ToArray();

        Assert.Contains(commands, command => command.Contains("config set masterauth", StringComparison.Ordinal));
        Assert.DoesNotContain(commands, command => OnCommandLine().IsMatch(command));
    }

    [Theory]
    [InlineData("redis-cli -h NEW config set masterauth PASSWORD", true)]
    [InlineData("redis-cli -a \"$PASSWORD\" ping", true)]
    [InlineData("redis-cli --pass x ping", true)]
    [InlineData("redis-cli acl setuser app on '>secret' +@all", true)]
    [InlineData("redis-cli sentinel set NAME.redis auth-pass x", true)]
    [InlineData("kubectl -n NAME create secret generic redis-from --from-literal=password=x", true)]
    [InlineData("… | redis-cli -h NEW -x config set masterauth", false)]
    [InlineData("redis-cli -h FROM acl list", false)]
    public void It_is_found(string command, bool found) => Assert.Equal(found, OnCommandLine().IsMatch(command));

    private static IEnumerable<string> Blocks(string page) =>
        Block().Matches(File.ReadAllText(Path.Combine(Renders.Folder, "runbooks", page))).Select(match => match.Groups[1].Value);

    [GeneratedRegex("^ *```bash\n(.*?)^ *```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex("redis-cli .*(-a |--pass |(masterauth|requirepass|auth-pass) [^|#]|acl setuser .*>)|--from-literal=[^ ]*password",
        RegexOptions.IgnoreCase)]
    private static partial Regex OnCommandLine();
}
