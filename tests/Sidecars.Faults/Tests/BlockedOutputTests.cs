using Sidecars.TestKit.Processes;
using Xunit;

namespace Sidecars.Faults.Tests;

/// <summary>A process whose output nobody reads waits, and nothing that it says is lost.</summary>
public sealed class BlockedOutputTests
{
    private const int UserSignal = 10; // SIGUSR1

    [Fact]
    public async Task A_blocked_output_stops_who_writes_and_is_read_whole_afterwards()
    {
        using var folder = new TempFolder("output");
        var done = folder.File("done");
        const string Script = """trap 'echo said; : >"$1"' USR1; echo ready; while :; do sleep 0.05; done""";
        await using var process = await ServerProcess.StartAsync(new ServerStart("sh", "-c", Script, "sh", done));
        await process.WaitForLineAsync(line => line == "ready", "that it runs");

        await process.BlockOutputAsync();
        process.Signal(UserSignal);
        await process.WaitUntilAsync("that it waits for the pipe", () => Task.FromResult(IsWritingToPipe(process.Pid)));
        Assert.False(File.Exists(done));
        Assert.Equal(["ready"], process.Output);

        process.UnblockOutput();
        await process.WaitUntilAsync("that it goes on", () => Task.FromResult(File.Exists(done)));
        await process.WaitForLineAsync(line => line == "said", "what had waited");
        Assert.Equal(["ready", "said"], process.Output);

        // Again, and ended in the middle: nobody waits for it.
        await process.BlockOutputAsync();
        process.Signal(UserSignal);
        await process.KillAsync();
    }

    private static bool IsWritingToPipe(int pid) =>
        File.ReadAllText($"/proc/{pid}/wchan").EndsWith("pipe_write", StringComparison.Ordinal);
}
