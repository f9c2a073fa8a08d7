using System.Globalization;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>The end of redis-bootstrap: the server that takes its place, or a signal and an exit code.</summary>
public sealed class BecomeServerTests
{
    private const int Interrupt = 2; // SIGINT

    [Fact]
    public async Task The_server_has_the_same_pid_and_the_arguments_after_the_dashes()
    {
        await using var node = new LooseNode();
        var process = await node.StartAsync("redis", "--", "--maxmemory", "77mb");
        await node.WaitServingAsync();
        Assert.Equal((77L << 20).ToString(CultureInfo.InvariantCulture), await node.ConfigAsync("maxmemory"));
        await using var client = await node.ConnectAsync();
        Assert.Contains(
            $"process_id:{process.Pid}\r\n", (await client.CallAsync(default, "INFO", "server")).Text, StringComparison.Ordinal);
        Assert.Equal("master", (await client.CallAsync(default, "ROLE")).Items[0].Text);
        Assert.Equal(0, await process.TerminateAsync());
    }

    [Fact]
    public async Task Signals_and_descriptors_of_the_server_are_clean_whatever_the_parent_did()
    {
        await using var node = new LooseNode();
        // ls lists its own descriptor of the folder too, which is above those of interest.
        node.Environment["REDIS_SERVER_BIN"] = node.Script("ls -l /proc/$$/fd; exec cat /proc/self/status");
        var process = await node.StartUnderAsync(["env", "--block-signal=TERM", "--ignore-signal=PIPE", "--ignore-signal=HUP"]);
        Assert.Equal(0, await process.WaitForExitAsync());
        string Field(string name) =>
            process.Output.Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split(':')[1].Trim();
        Assert.Equal(process.Pid.ToString(CultureInfo.InvariantCulture), Field("Pid"));
        Assert.Equal(0UL, Mask(Field("SigBlk")));
        Assert.Equal(0UL, Mask(Field("SigIgn")));
        Assert.DoesNotContain(process.Output,
            line => line.Contains("socket:", StringComparison.Ordinal) || line.Contains("anon_inode", StringComparison.Ordinal));
        // The one that is handed on, so that the kernel tells the others that the candidate lives.
        Assert.Single(process.Output, line => line.Contains("candidate.lock", StringComparison.Ordinal));
        // And that nobody else starts a server on these data.
        Assert.Single(process.Output, line => line.EndsWith(".sidecar/lock", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_environment_reaches_the_server_byte_for_byte()
    {
        await using var node = new LooseNode();
        var seen = node.File("environ");
        node.Environment["REDIS_SERVER_BIN"] = node.Script("exec cat /proc/self/environ > \"$SEEN\"");
        node.Environment["SEEN"] = seen;
        node.Environment["PLAIN"] = "schön = \"so\"\nund weiter";
        var process = await node.StartUnderAsync(["sh", "-c", "ODD=$(printf 'a\\377b') exec \"$@\"", "sh"]);
        Assert.Equal(0, await process.WaitForExitAsync());
        var entries = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(seen)).Split('\0');
        Assert.Contains("ODD=a\u00ffb", entries);
        Assert.Contains("PLAIN=" + Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(node.Environment["PLAIN"])), entries);
        Assert.Contains("CLUSTER_ID=test/loose", entries);
    }

    [Theory]
    [InlineData(false, ExitCode.NotFound)]
    [InlineData(true, ExitCode.NotExecutable)]
    public async Task A_server_that_is_missing_or_not_executable_ends_with_the_shells_codes(bool exists, int expected)
    {
        await using var node = new LooseNode();
        var path = exists ? node.Write("server", "no program") : node.File("missing");
        node.Environment["REDIS_SERVER_BIN"] = path;
        var process = await node.StartAsync();
        Assert.Equal(expected, await process.WaitForExitAsync());
        var said = Assert.Single(process.Events("wrong-configuration")).GetProperty("message").GetString();
        Assert.StartsWith($"REDIS_SERVER_BIN is '{path}': ", said, StringComparison.Ordinal);
        Assert.Empty(process.Decisions()); // before any wait
    }

    [Fact]
    public async Task A_server_ends_with_its_own_code()
    {
        await using var node = new LooseNode();
        node.Environment["REDIS_SERVER_BIN"] = node.Script("exit 42");
        Assert.Equal(42, await (await node.StartAsync()).WaitForExitAsync());
    }

    [Fact]
    public async Task SIGTERM_while_waiting_is_143()
    {
        await using var node = Waiting();
        var process = await node.StartAsync();
        await process.WaitForDecisionAsync("election-wait");
        Assert.Equal(ExitCode.Terminated, await process.TerminateAsync());
        Assert.Single(process.Events("stopped")); // by itself, not killed by the signal's default
    }

    [Fact]
    public async Task SIGINT_while_waiting_is_130()
    {
        await using var node = Waiting();
        var process = await node.StartAsync();
        await process.WaitForDecisionAsync("election-wait");
        process.Signal(Interrupt);
        Assert.Equal(ExitCode.Interrupted, await process.WaitForExitAsync());
        Assert.Single(process.Events("stopped"));
    }

    [Fact]
    public async Task SIGTERM_is_prompt_even_while_a_peer_does_not_answer()
    {
        await using var silent = TestKit.FakeRedis.FakeRedisServer.Silent();
        await using var node = Waiting();
        node.Environment["REDIS_SENTINEL_SERVICE_HOST"] = silent.Endpoint.ToString();
        node.Environment["COMMAND_TIMEOUT"] = "60000";
        var process = await node.StartAsync();
        await process.WaitUntilAsync("it asks", () => Task.FromResult(silent.Commands.Count > 0));
        Assert.Equal(ExitCode.Terminated, await process.TerminateAsync());
    }

    [Fact]
    public async Task A_deadline_ends_the_wait_with_1()
    {
        await using var node = Waiting();
        node.Environment["WAIT_DEADLINE"] = "700";
        var process = await node.StartAsync();
        Assert.Equal(ExitCode.Failed, await process.WaitForExitAsync(Eventually.DefaultDeadline));
        Assert.Contains(
            "WAIT_DEADLINE", Assert.Single(process.Events("stopped")).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    // Two nodes of three are missing.
    private static LooseNode Waiting() => new(("REDIS_COUNT", "3"));

    private static ulong Mask(string hex) => ulong.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
