using System.Globalization;
using System.Text.RegularExpressions;
using Sidecars.Core.Hosting;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Hosting;

/// <summary>Wrong settings and arguments of every executable: what a person is told, and the exit code.</summary>
public sealed partial class WrongSettingsTests : IDisposable
{
    private const string NoFile = "it must be an existing file";
    private const string NoData = "no such directory; it must be where Redis' volume is mounted";

    private readonly TempFolder _folder = new("wrong");

    /// <summary>Command, settings, exit code, and what a line begins with.</summary>
    public static TheoryData<string, string, int, string> Ending => new()
    {
        { "redis-bootstrap redis", "DATA_DIR=/no/such", 2, $"DATA_DIR is '/no/such': {NoData}" },
        { "redis-bootstrap redis", "CONFIG_DIR=/proc/x", 2, "CONFIG_DIR is '/proc/x': " },
        { "redis-bootstrap sentinel", "CONFIG_DIR=/proc/x", 2, "CONFIG_DIR is '/proc/x': " },
        { "redis-bootstrap redis", "REDIS_SERVER_BIN=/no/such", 127,
            "REDIS_SERVER_BIN is '/no/such': no such file; it must be the server's path, or its name in PATH" },
        { "redis-bootstrap redis", "REDIS_SERVER_BIN=no-such-server", 127, "REDIS_SERVER_BIN is 'no-such-server': no such file" },
        { "redis-bootstrap redis", "REDIS_SERVER_BIN=/etc/passwd", 126, "REDIS_SERVER_BIN is '/etc/passwd': not executable" },
        { "redis-bootstrap sentinel", "REDIS_SENTINEL_BIN=/no/such", 127, "REDIS_SENTINEL_BIN is '/no/such': no such file" },
        { "redis-bootstrap redis", "REDIS_BASE_CONFIG=/no/such", 2, $"REDIS_BASE_CONFIG is '/no/such'; {NoFile}" },
        { "redis-bootstrap redis", "TLS_KEY_FILE=/no/such", 2, $"TLS_KEY_FILE is '/no/such'; {NoFile}" },
        { "redis-bootstrap redis", "REDIS_PASSWORD_FILE=/no/such", 2, $"REDIS_PASSWORD_FILE is '/no/such'; {NoFile}" },
        { "redis-bootstrap redis", "REDIS_PASSWORD_FILE=/etc", 2, "REDIS_PASSWORD_FILE is '/etc'; it must be a file that can be read" },
        { "redis-bootstrap redis", "REDIS_PASSWORD_PREVIOUS_FILE=/dev/zero", 2,
            "REDIS_PASSWORD_PREVIOUS_FILE is '/dev/zero'; it must be a file that can be read" },
        { "redis-bootstrap redis", "DURABILITY=oaf", 2, "DURABILITY is 'oaf'; it must be one of aof, rdb, none" },
        { "redis-bootstrap redis", "ELECTION=leese", 2,
            "ELECTION is 'leese'; it must be one of file, elector, lease; did you mean 'lease'?" },
        { "redis-failover run", "REDIS_PASSWORD_FILE=/no/such", 2, $"REDIS_PASSWORD_FILE is '/no/such'; {NoFile}" },
        { "redis-failover run", "SENTINEL_COUNT=0;DNS_TTL=never", 2,
            "DNS_TTL is 'never'; it must be a duration in whole seconds " },
        { "redis-failover passwords", "ANNOUNCE_HOST=nowhere.invalid", 1, "ANNOUNCE_HOST (nowhere.invalid): " },
        { "redis-failover", "", 2, "redis-failover needs a command: run, step-down, status, passwords, completion." },
        { "redis-failover stepdown", "", 2,
            "'stepdown' is none of redis-failover's commands, run, step-down, status, passwords, completion; did you mean 'step-down'?" },
        { "redis-failover status --output yaml", "", 2, "--output is 'yaml'; it must be table or json" },
        { "redis-failover status --ouptut json", "", 2, "'--ouptut' is none of the options of 'redis-failover status', " },
        { "redis-failover run now", "", 2, "'now' is one word too many for 'redis-failover run'" },
        { "redis-failover step-down --timeout 5", "", 2, "--timeout is '5'; it must be a duration (25s, 5m, 1h30m), 8s to 2m" },
        { "redis-failover step-down --timeout 00:00:25", "", 2, "--timeout is '00:00:25'; it must be a duration " },
        { "redis-backup", "", 2, "redis-backup needs a command: run, now, list, show, restore, verify, prune, completion." },
        { "redis-backup show", "", 2, "Required argument 'backup' missing for command: 'show'." },
        { "redis-backup lsit", "", 2,
            "'lsit' is none of redis-backup's commands, run, now, list, show, restore, verify, prune, completion; did you mean 'list'?" },
        { "redis-backup list --output yaml", "", 2, "--output is 'yaml'; it must be table or json" },
        { "redis-backup list", "BACKUP_STORE=", 2, "BACKUP_STORE is not set; it is required: " },
        { "redis-backup list", "BACKUP_KEYS_FILE=/no/such", 2, $"BACKUP_KEYS_FILE is '/no/such'; {NoFile}" },
        { "redis-backup list", "TLS_CA_FILE=/no/such", 2, $"TLS_CA_FILE is '/no/such'; {NoFile}" },
        { "redis-backup run", "DATA_DIR=/no/such", 2, $"DATA_DIR is '/no/such': {NoData}" },
        { "redis-backup now", "DATA_DIR=/no/such", 2, $"DATA_DIR is '/no/such': {NoData}" },
        { "redis-probe startup", "REDIS_PASSWORD_FILE=/no/such", 2, $"REDIS_PASSWORD_FILE is '/no/such'; {NoFile}" },
        { "redis-probe startup", "REDIS_PASSWORD_FILE=/etc", 2, "REDIS_PASSWORD_FILE is '/etc'; it must be a file that can be read" },
    };

    /// <summary>Command, settings, level, and what the message of a line begins with, of a process that goes on.</summary>
    public static TheoryData<string, string, string, string> Remarked => new()
    {
        { "redis-bootstrap redis", "REDIS_COUNT=3", "warning", "REDIS_SERVER_SERVICE_HOST lists one address, and REDIS_COUNT is 3: " },
        { "redis-bootstrap redis", "SENTINEL_COUNT=3", "warning",
            "REDIS_SENTINEL_SERVICE_HOST lists one address, and SENTINEL_COUNT is 3: " },
        { "redis-bootstrap redis", "ANNOUNCE_HOST=nowhere.invalid", "warning", "ANNOUNCE_HOST (nowhere.invalid): " },
        { "redis-bootstrap sentinel", "ANNOUNCE_HOST=nowhere.invalid", "warning", "ANNOUNCE_HOST (nowhere.invalid): " },
        { "redis-bootstrap redis", "ANNOUNCE_HOST=localhost", "warning",
            "ANNOUNCE_HOST (localhost) is 127.0.0.1, which leads every other host to itself: " },
        { "redis-bootstrap redis", "RESTORE_ON_EMPTY=true;RESTORE_COMMAND=/no/such", "warning",
            "RESTORE_COMMAND is '/no/such': no such file" },
        { "redis-bootstrap redis", "SENTINEL_PORT=tcp://10.96.10.1:26379", "warning",
            "SENTINEL_PORT=tcp://10.96.10.1:26379 is the link to a Service of that name" },
        { "redis-failover run", "REDIS_COUNT=3", "warning", "REDIS_SERVER_SERVICE_HOST lists one address, and REDIS_COUNT is 3: " },
        { "redis-failover run", "DATA_DIR=/no/such", "error", $"DATA_DIR is '/no/such': {NoData}" },
        { "redis-failover run", "CONFIG_DIR=/proc/x", "error", "CONFIG_DIR is '/proc/x': " },
        { "redis-failover run", "ANNOUNCE_HOST=nowhere.invalid", "warning", "ANNOUNCE_HOST (nowhere.invalid): " },
        { "redis-failover run", "METRICS_PORT=tcp://10.96.10.1:9120", "warning",
            "METRICS_PORT=tcp://10.96.10.1:9120 is the link to a Service of that name" },
        { "redis-failover run", "DNS_NAME=redis.example.org", "error",
            "DNS_NAME is set without ROUTE53_ZONE_ID, DNS_ENDPOINT_NAME or ZONE_FILE" },
        { "redis-backup run", "REDIS_PORT=tcp://10.96.10.1:6379", "warning",
            "REDIS_PORT=tcp://10.96.10.1:6379 is the link to a Service of that name" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Ending))]
    public async Task What_can_not_work_ends_at_once_and_names_the_setting_and_the_right_value(
        string command, string settings, int exitCode, string line)
    {
        await using var process = await StartAsync(command, settings);
        var ended = await process.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(process.Output, written => Message(written).Text.StartsWith(line, StringComparison.Ordinal));
        Assert.Equal(exitCode, ended);
        Assert.DoesNotContain(process.Output, written => written.Contains("   at Sidecars.", StringComparison.Ordinal)); // no trace
    }

    [Theory]
    [MemberData(nameof(Remarked))]
    public async Task What_may_be_meant_is_told_at_the_level_that_it_deserves_and_the_process_goes_on(
        string command, string settings, string level, string message)
    {
        await using var process = await StartAsync(command, settings + ";LOG_FORMAT=json");
        await process.WaitForLineAsync(
            line => Message(line) is var (text, at) && at == level && text.StartsWith(message, StringComparison.Ordinal), message,
            TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("redis-bootstrap redis")]
    [InlineData("redis-failover run")]
    [InlineData("redis-backup list")]
    [InlineData("redis-probe startup")]
    public async Task Every_setting_with_a_range_or_choices_is_listed_by_name_where_its_value_is_none_of_them(string command)
    {
        await using var help = await StartAsync(command.Split(' ')[0] + " --help", "");
        Assert.Equal(ExitCode.Ok, await help.WaitForExitAsync(TimeSpan.FromSeconds(30)));
        var typed = help.Output.Select(line => HelpLine().Match(line)).Where(match => match.Success)
            .Select(match => (Name: match.Groups[1].Value, Kind: match.Groups[2].Value))
            .Where(setting => Bad(setting.Kind, 0) is not null).ToArray();
        Assert.InRange(typed.Length, 5, 60);
        for (var turn = 0; turn < 4; turn++)
        {
            var wrong = string.Join(';', typed.Select(setting => $"{setting.Name}={Bad(setting.Kind, turn)}"));
            await using var process = await StartAsync(command, wrong);
            Assert.Equal(ExitCode.WrongConfiguration, await process.WaitForExitAsync(TimeSpan.FromSeconds(30)));
            Assert.All(typed, setting => Assert.Contains(
                process.Output, line => Message(line).Text
                    .StartsWith($"{setting.Name} is '{Bad(setting.Kind, turn)}'; it must be ", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData("redis-bootstrap redis", "^[0-9T:.-]+Z warning redis-bootstrap setting REDIS_SERVER_SERVICE_HOST lists one address")]
    [InlineData("redis-failover run", "^[0-9T:.-]+Z info redis-failover started the sidecar of 127.0.0.1:[0-9]+ in test/wrong")]
    [InlineData("redis-backup run", "^[0-9T:.-]+Z info redis-backup started backups of test/wrong go to ")]
    public async Task LOG_FORMAT_text_is_one_readable_line(string command, string line)
    {
        await using var process = await StartAsync(command, "LOG_FORMAT=text;REDIS_COUNT=3");
        await process.WaitForLineAsync(written => Regex.IsMatch(written, line), line, TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(process.Output, written => written.StartsWith('{'));
    }

    private static string? Bad(string kind, int turn) => kind switch
    {
        "true or false" => ((string[])["perhaps", "2", "truefalse", "-"])[turn],
        _ when kind.Contains('|', StringComparison.Ordinal) => ((string[])["nope", "0", "-1", "a|b"])[turn],
        _ when Range().IsMatch(kind) => ((string[])["-1", "99999999999999999999", "1e3", "0x10"])[turn],
        _ => null,
    };

    private static (string Text, string Level) Message(string line)
    {
        var text = line.StartsWith("! ", StringComparison.Ordinal) ? line[2..] : line;
        if (!text.StartsWith('{')) return (text, "");
        using var json = System.Text.Json.JsonDocument.Parse(text);
        return (json.RootElement.GetProperty("message").GetString()!, json.RootElement.GetProperty("level").GetString()!);
    }

    private Task<ServerProcess> StartAsync(string command, string settings)
    {
        string[] words = command.Split(' ');
        var environment = new Dictionary<string, string>
        {
            ["CLUSTER_ID"] = "test/wrong",
            ["NODE_NAME"] = "redis-0",
            ["REDIS_COUNT"] = "1",
            ["SENTINEL_COUNT"] = "1",
            ["REDIS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
            ["REDIS_SERVER_SERVICE_HOST"] = "127.0.0.1:1",
            ["REDIS_SENTINEL_SERVICE_HOST"] = "127.0.0.1:2",
            ["ANNOUNCE_HOST"] = "127.0.0.1",
            ["DATA_DIR"] = _folder.Folder("data"),
            ["CONFIG_DIR"] = _folder.Folder("run"),
            ["ELECTION"] = "file",
            ["ELECTION_DIR"] = _folder.File("election"),
            ["BACKUP_STORE"] = _folder.Folder("store"),
            ["METRICS_PORT"] = "0",
        };
        foreach (var setting in settings.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(setting => setting.Split('=', 2)))
            environment[setting[0]] = setting[1];
        return ServerProcess.StartAsync(new ServerStart(Repository.NativeExecutable(words[0]), words[1..]) { Environment = environment });
    }

    [GeneratedRegex(@"^ +([A-Z][A-Z0-9_]+) \(([^)]*)\)")]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"^(\d+\.\.\d+|duration, \w+\.\.\w+)$")]
    private static partial Regex Range();
}
