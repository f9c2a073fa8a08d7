using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>The demo with real processes: what it leaves running, how that is ended, and what a signal leaves.</summary>
[Collection(GroupTests.Name)]
public sealed class KeepTests : IDisposable
{
    private const string Comment = "    # "; // between a line to paste and what it is for
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3); // a dozen managed processes start, on a busy machine
    private readonly TempFolder _folder = new("keep");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_kept_answers_to_the_lines_to_paste_and_stop_ends_all_of_it()
    {
        try
        {
            await using var demo = await DemoScript.StartAsync(_folder, "--scenario", "start", "--keep", "--rate", "200", "--no-color");
            Assert.True(await demo.WaitForExitAsync(Patience) == 0, demo.Tail());
            var kept = Processes();
            Assert.Equal(12, kept.Length); // three of Redis, three Sentinels, two sidecars beside each Redis
            var lines = demo.Output.Where(line => line.Contains(Comment, StringComparison.Ordinal));
            string[] pasted = [.. lines.Select(line => line.Split(Comment)[0].Trim())];
            Assert.Contains(pasted, line => line.EndsWith("redis-failover status", StringComparison.Ordinal));
            Assert.Contains(pasted, line => line.EndsWith("redis-backup list", StringComparison.Ordinal));
            Assert.Contains(pasted, line => line.StartsWith("redis-cli -p ", StringComparison.Ordinal));
            Assert.Equal(2, pasted.Count(line => line.EndsWith("/metrics", StringComparison.Ordinal)));
            Assert.Equal("scripts/demo --stop", pasted[^1]);
            foreach (var line in pasted[..^1]) await SucceedsAsync(line);

            await using var stop = await StopAsync();

            Assert.True(stop.ExitCode == 0, stop.Tail());
            Assert.DoesNotContain(kept, one => Owner.StartTick(one.Pid) == one.Tick && !IsZombie(one.Pid));
            Assert.Empty(Directory.EnumerateDirectories(_folder.Path, "sidecars-demo-*"));
            Assert.False(File.Exists(DemoScript.NoteIn(_folder)));
        }
        finally
        {
            await using var stop = await StopAsync(); // of a test that failed halfway
        }
    }

    [Fact]
    public async Task Stop_ends_no_process_that_was_given_a_noted_pid_and_removes_no_other_folder()
    {
        await using var stranger = await ServerProcess.StartAsync(new ServerStart("sleep", "600"));
        var other = _folder.Folder("of-somebody-else");
        var tick = Owner.StartTick(stranger.Pid) + 1;
        await File.WriteAllLinesAsync(DemoScript.NoteIn(_folder), [other, FormattableString.Invariant($"{stranger.Pid} {tick} redis-0")]);

        await using var stop = await StopAsync();

        Assert.Equal(1, stop.ExitCode);
        Assert.True(stranger.Running);
        Assert.True(Directory.Exists(other));
    }

    [Fact]
    public async Task A_signal_ends_everything_that_was_started()
    {
        await using var demo = await DemoScript.StartAsync(_folder, "--scenario", "start", "--keep", "--rate", "200");
        await demo.WaitForLineAsync(
            line => line.Contains("first acknowledged write", StringComparison.Ordinal), "the first write", Patience);

        Assert.Equal(143, await demo.TerminateAsync(Patience));

        Assert.Empty(RunningIn(_folder.Path));
        Assert.Empty(Directory.EnumerateDirectories(_folder.Path, "sidecars-demo-*"));
        Assert.False(File.Exists(DemoScript.NoteIn(_folder)));
    }

    private (int Pid, long Tick)[] Processes() =>
    [
        .. File.ReadLines(DemoScript.NoteIn(_folder)).Skip(1).Select(line => line.Split(' '))
            .Select(words => (int.Parse(words[0], CultureInfo.InvariantCulture), long.Parse(words[1], CultureInfo.InvariantCulture))),
    ];

    private Task<ServerProcess> StopAsync() =>
        DemoScript.ShellAsync("exec scripts/demo --stop", ("SIDECARS_DEMO_KEPT", DemoScript.NoteIn(_folder)));

    // Status may find something for a second or two after a start.
    private static async Task SucceedsAsync(string line)
    {
        var said = "";
        await Eventually.UntilAsync(
            $"'{line}' to end with 0",
            async () =>
            {
                await using var run = await DemoScript.ShellAsync(line);
                said = run.Tail();
                return run.ExitCode == 0;
            },
            Patience,
            () => said);
    }

    // It has ended, and nobody has asked for its exit code: it has no command line any more.
    private static bool IsZombie(int pid) => File.ReadAllText(FormattableString.Invariant($"/proc/{pid}/cmdline")).Length == 0;

    // Every process of a group has its folder as its current one.
    private static string[] RunningIn(string folder) =>
        [.. Directory.EnumerateDirectories("/proc").Where(entry => int.TryParse(Path.GetFileName(entry), out _) && IsIn(entry, folder))];

    private static bool IsIn(string process, string folder)
    {
        try
        {
            return File.ResolveLinkTarget(process + "/cwd", false)?.FullName.StartsWith(folder, StringComparison.Ordinal) == true
                || File.ReadAllText(process + "/cmdline").Contains(folder, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // it has ended, or is another user's
        }
    }
}
