using System.Globalization;
using Sidecars.TestKit.Processes;

#pragma warning disable CA1416 // Linux only

namespace Sidecars.Integration.Tests.Hosting;

/// <summary>A real managed process replaces itself by a real program, and the kernel says what is left of it.</summary>
public sealed class ProcessReplacerTests : IDisposable
{
    private static readonly string Probe = Path.Combine(AppContext.BaseDirectory, "Sidecars.ExecProbe.dll");
    private readonly TempFolder _folder = new("exec");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_program_has_the_same_pid_and_nothing_of_the_managed_process_is_left()
    {
        // The program reports on itself: a shell blocks all signals for a moment whenever it starts another program.
        var (exit, output) = await RunAsync([], "cat", "/proc/self/status");
        Assert.Equal(0, exit);
        var pid = Line(output, "pid ").Split(' ')[1];
        Assert.Equal(pid, Line(output, "Pid:").Split('\t')[1]);
        Assert.Equal("0000000000000000", Line(output, "SigIgn:").Split('\t')[1]);
        Assert.Equal("0000000000000000", Line(output, "SigBlk:").Split('\t')[1]);
        (_, output) = await RunAsync([], "/bin/sh", "-c", "ls /proc/$$/fd");
        Assert.Equal(["0", "1", "2"], output[1..].Order());
    }

    [Fact]
    public async Task A_signal_that_our_parent_blocked_or_ignored_reaches_the_program()
    {
        const string Parent =
            "import os,signal,sys\nsignal.pthread_sigmask(signal.SIG_BLOCK,[signal.SIGTERM,signal.SIGUSR1])\nsignal.signal(signal.SIGUSR2,signal.SIG_IGN)\nos.execvp(sys.argv[1],sys.argv[1:])";
        await using var report =
            await ServerProcess.StartAsync(new ServerStart("python3", "-c", Parent, "dotnet", "exec", Probe, "cat", "/proc/self/status"));
        Assert.Equal(0, await report.WaitForExitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal("0000000000000000", Line([.. report.Output], "SigBlk:").Split('\t')[1]);
        Assert.Equal("0000000000000000", Line([.. report.Output], "SigIgn:").Split('\t')[1]);

        await using var process =
            await ServerProcess.StartAsync(new ServerStart("python3", "-c", Parent, "dotnet", "exec", Probe, "sleep", "60"));
        await process.WaitUntilAsync("it is sleep", async () => await File.ReadAllTextAsync($"/proc/{process.Pid}/comm") == "sleep\n");
        Assert.Equal(143, await process.TerminateAsync());
    }

    [Fact]
    public async Task A_real_server_started_so_stops_cleanly_on_SIGTERM()
    {
        var port = FreePort.Next();
        await using var process = await ServerProcess.StartAsync(new ServerStart(
            "dotnet", "exec", Probe, "redis-server", "--port", port.ToString(CultureInfo.InvariantCulture), "--dir", _folder.Path, "--save",
            "", "--bind", "127.0.0.1"));
        await process.WaitForLineAsync(line => line.Contains("Ready to accept connections", StringComparison.Ordinal), "Redis is ready");
        Assert.Contains(
            $"{process.Pid}:M", await process.WaitForLineAsync(line => line.Contains(":M ", StringComparison.Ordinal), "Redis' own pid"),
            StringComparison.Ordinal);
        Assert.Equal(0, await process.TerminateAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(137)]
    [InlineData(255)]
    public async Task The_exit_code_is_the_programs(int code) =>
        Assert.Equal(code, (await RunAsync([], "/bin/sh", "-c", $"exit {code}")).Exit);

    [Theory]
    [InlineData("no-such-program-anywhere", 127)]
    [InlineData("/no/such/program", 127)]
    [InlineData("/etc/passwd/x", 127)] // a file where a directory should be
    [InlineData("/etc/passwd", 126)]
    [InlineData("/etc", 126)]
    public async Task A_program_that_cannot_be_started_is_an_outcome_and_the_process_lives_on(string program, int code)
    {
        var (exit, output) = await RunAsync([], program);
        Assert.Equal(code, exit);
        Assert.Contains(program, Line(output, "failed "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_program_is_not_handed_to_a_shell()
    {
        var path = _folder.Write("script", "echo ran\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        var (exit, output) = await RunAsync([], path);
        Assert.Equal(126, exit);
        Assert.DoesNotContain("ran", output);
    }

    [Fact]
    public async Task Threads_that_the_pool_wants_in_that_moment_do_not_end_the_process()
    {
        // Every try is an exec that the kernel begins and gives up, while four threads make the pool grow: without the hold, nine runs of
        // ten abort.
        var path = _folder.Write("script", "no program\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        var (exit, output) = await RunAsync([("EXECPROBE_STORM", "400")], path);
        Assert.True(exit == 126, string.Join('\n', output));
        Assert.Contains("failed " + path, Line(output, "failed "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_is_looked_up_in_PATH_past_entries_that_do_not_have_it()
    {
        var forbidden = _folder.Write("a/tool", "");
        _folder.Write("b/tool", "#!/bin/sh\necho found\n");
        File.SetUnixFileMode(_folder.File("b", "tool"), (UnixFileMode)0b111_101_101);
        var path = $"/missing:{Path.GetDirectoryName(forbidden)}:{_folder.File("b")}:{Environment.GetEnvironmentVariable("PATH")}";
        var (exit, output) = await RunAsync([("PATH", path)], "tool");
        Assert.Equal(0, exit);
        Assert.Contains("found", output);
    }

    [Fact]
    public async Task Arguments_and_environment_pass_through_byte_for_byte()
    {
        // No .NET string can carry these bytes: the shell makes them.
        const string Script = """
            FOREIGN=$(printf 'a\377\300b') EMPTY= SPACES=' x  y ' dotnet exec "$1" /bin/sh -c 'printf %s "$FOREIGN|$SPACES|${EMPTY-unset}|$1|$2|$3" | od -An -tx1' name "$(printf 'c\376d')" '' "it's \$HOME"
            """;
        await using var process = await ServerProcess.StartAsync(new ServerStart("/bin/sh", "-c", Script, "sh", Probe));
        Assert.Equal(0, await process.WaitForExitAsync(TimeSpan.FromSeconds(30)));
        var bytes = Convert.FromHexString(string.Concat(process.Output.Skip(1)).Replace(" ", "", StringComparison.Ordinal));
        byte[] expected = [(byte)'a', 0xff, 0xc0, (byte)'b', .. "| x  y ||c"u8, 0xfe, .. "d||it's $HOME"u8];
        Assert.Equal(expected, bytes);
    }

    [Fact]
    public async Task Only_the_descriptor_that_is_to_be_inherited_is()
    {
        var file = _folder.Write("lock", "");
        var (_, output) = await RunAsync([("EXECPROBE_INHERIT", file)], "/bin/sh", "-c", "ls -l /proc/$$/fd");
        var descriptor = Line(output, "pid ").Split(' ')[^1];
        Assert.Contains(output, line => line.EndsWith($" {descriptor} -> {file}", StringComparison.Ordinal));
        Assert.Equal(4, output.Count(line => line.Contains(" -> ", StringComparison.Ordinal)));
    }

    private static string Line(string[] output, string start) => output.First(line => line.StartsWith(start, StringComparison.Ordinal));

    private static async Task<(int Exit, string[] Output)> RunAsync((string Name, string Value)[] environment, params string[] program)
    {
        var start = new ServerStart("dotnet", ["exec", Probe, .. program])
        {
            Environment = environment.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal),
        };
        await using var process = await ServerProcess.StartAsync(start);
        var exit = await process.WaitForExitAsync(TimeSpan.FromSeconds(30));
        return (exit, [.. process.Output]);
    }
}
