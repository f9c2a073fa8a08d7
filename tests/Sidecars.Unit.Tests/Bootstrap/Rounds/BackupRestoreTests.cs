using Sidecars.Bootstrap.Redis;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

/// <summary>
/// The tool that restores, run beside the rounds: a process that fails is begun anew after a pause, by a clock that the test moves.
/// </summary>
public sealed class BackupRestoreTests : IDisposable
{
    private readonly TempFolder _folder = new("restore");
    private readonly VirtualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_restore_that_fails_is_told_and_tried_again_5_s_later_until_it_is_done()
    {
        await using var restore = new BackupRestore(
            Script("echo $2 >> runs; echo no backup is listed >&2; [ -e good ]"), _folder.Path, _time);
        await EndAsync(restore);
        for (var runs = 1; runs <= 20; runs++)
        {
            Assert.Equal(runs, Runs());
            var failed = Assert.IsType<RestoreProgress.Failed>(restore.Advance());
            Assert.Contains("ended with 1: no backup is listed", failed.Why, StringComparison.Ordinal);
            _time.Skip(TimeSpan.FromSeconds(4.9));
            Assert.IsType<RestoreProgress.Failed>(restore.Advance());
            Assert.Equal(runs, Runs());
            _time.Skip(TimeSpan.FromSeconds(0.2));
            await EndAsync(restore);
        }

        _folder.Write("good", "");
        _time.Skip(TimeSpan.FromSeconds(5));
        await EndAsync(restore);
        Assert.IsType<RestoreProgress.Done>(restore.Advance());
        // Done once, it is not begun again.
        _time.Skip(TimeSpan.FromDays(1));
        Assert.IsType<RestoreProgress.Done>(restore.Advance());
        Assert.Equal(22, Runs());
    }

    [Fact]
    public async Task Its_last_line_is_its_progress_and_no_time_ends_it()
    {
        await using var restore = new BackupRestore(
            Script("echo restoring: 1 MB of 2 MB >&2; while [ ! -e good ]; do read -t 0.05 _ < wait; done"), _folder.Path, _time);
        await using var pipe = await ServerProcess.StartAsync(new ServerStart("mkfifo", _folder.File("wait")));
        Assert.Equal(0, await pipe.WaitForExitAsync());
        await Eventually.UntilAsync(
            "its progress", () => restore.Advance() is RestoreProgress.Running { Progress: "restoring: 1 MB of 2 MB" });
        _time.Skip(TimeSpan.FromHours(5));
        Assert.IsType<RestoreProgress.Running>(restore.Advance());
    }

    [Fact]
    public async Task A_tool_that_is_not_there_is_a_failure_like_another()
    {
        await using var restore = new BackupRestore(_folder.File("missing"), _folder.Path, _time);
        await EndAsync(restore);
        Assert.Contains("missing", Assert.IsType<RestoreProgress.Failed>(restore.Advance()).Why, StringComparison.Ordinal);
        _folder.Write("good", "");
        Script("[ -e good ]", "missing");
        _time.Skip(TimeSpan.FromSeconds(5.1));
        await EndAsync(restore);
        Assert.IsType<RestoreProgress.Done>(restore.Advance());
    }

    private static Task EndAsync(BackupRestore restore) =>
        Eventually.UntilAsync("the tool to end", () => restore.Advance() is not RestoreProgress.Running);

    private string Script(string body, string name = "tool")
    {
        var path = _folder.Write(name, $"#!/bin/bash\ncd {_folder.Path}\n{body}\n");
#pragma warning disable CA1416 // the tests run on Linux
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        return path;
    }

    private int Runs() => File.ReadAllLines(_folder.File("runs")).Length;
}
