using System.Text;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>A process whose log is a full pipe that nobody reads.</summary>
[Collection(GroupTests.Name)]
public sealed class BlockedLogTests
{
    [Fact]
    public async Task A_sidecar_whose_log_nobody_reads_fences_serves_and_ends()
    {
        var (rig, master) = await SidecarRig.StartAsync("log", redis: 2, downAfter: TimeSpan.FromSeconds(2), sidecars: false);
        await using var disposed = rig;
        using var folder = new TempFolder("log");
        var pipe = folder.File("pipe");
        Assert.Null(Command.Run("mkfifo", pipe));
        await using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Fill(pipe);
        var port = FreePort.Next();
        await using var sidecar = await rig.Group.StartFailoverAsync(
            master, ["run"], [KeyValuePair.Create("METRICS_PORT", $"{port}")], pipe);

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await sidecar.WaitUntilAsync(
            "a sidecar that sees its master", () => ShowsAsync(http, "sidecars_failover_master 1"), TimeSpan.FromSeconds(30));
        master.Process!.Pause();
        await rig.WaitMasterAfterAsync(master);
        master.Process!.Resume();
        await sidecar.WaitUntilAsync(
            "the fence", () => ShowsAsync(http, "sidecars_failover_actions_total{action=\"fenced\"} 1"), TimeSpan.FromSeconds(30));
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz"));

        // The reader comes back: nothing is missing.
        await ReadUntilAsync(reader, "\"event\":\"started\"", "\"code\":\"fenced\"");

        Fill(pipe);
        Assert.Equal(143, await sidecar.TerminateAsync());
    }

    [Fact]
    public async Task Sidecars_whose_logs_nobody_reads_replace_a_dead_master_and_publish_the_next()
    {
        // Longer than this test waits for another master: Sentinel alone would be too late.
        var (rig, master) = await SidecarRig.StartAsync("log", downAfter: TimeSpan.FromMinutes(1));
        await using var disposed = rig;
        await rig.WaitLookedAsync(master);
        foreach (var node in rig.Group.Redis) await rig.Sidecar(node).BlockOutputAsync();

        master.Process!.Kill();
        var next = await rig.WaitMasterAfterAsync(master);
        await rig.WaitPublishedAsync(next);

        string[] Done() => [.. rig.Group.Redis.SelectMany(node => rig.Done(node, "death"))];
        Assert.Empty(Done());
        foreach (var node in rig.Group.Redis) rig.Sidecar(node).UnblockOutput();
        await Eventually.UntilAsync("what had waited", () => Done().Contains("succession"), null, rig.Tails);
    }

    [Fact]
    public async Task A_redis_bootstrap_whose_log_nobody_reads_becomes_the_server()
    {
        await using var node = new LooseNode();
        var pipe = node.File("pipe");
        Assert.Null(Command.Run("mkfifo", pipe));
        await using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Fill(pipe);
        var started = node.File("started");
        node.Environment["REDIS_SERVER_BIN"] = node.Script($"touch {started}; exec sleep 60"); // redis-server itself would wait to log
        await using var process = await ServerProcess.StartAsync(
            new ServerStart(LooseNode.Executable, "redis")
            { Name = "redis-bootstrap", Environment = node.Environment, WorkingDirectory = node.DataFolder, DetachedLog = pipe });
        await process.WaitUntilAsync("the server is started", () => Task.FromResult(File.Exists(started)));
    }

    // Until a write would block.
    private static void Fill(string pipe) => Assert.NotNull(Command.Run("dd", "if=/dev/zero", $"of={pipe}", "oflag=nonblock", "bs=4096"));

    private static async Task<bool> ShowsAsync(HttpClient http, string series)
    {
        try
        {
            return (await http.GetStringAsync("/metrics")).Contains("\n" + series, StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }

    private static async Task ReadUntilAsync(FileStream reader, params string[] parts)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var text = new StringBuilder();
        var buffer = new byte[64 << 10];
        while (parts.Any(part => !text.ToString().Contains(part, StringComparison.Ordinal)))
            text.Append(Encoding.UTF8.GetString(buffer.AsSpan(0, await reader.ReadAsync(buffer, limit.Token))).Trim('\0'));
    }
}
