using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Hosting;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Core.Hosting;

public sealed class HeartbeatTests : IDisposable
{
    private readonly TempFolder _folder = new("heartbeat");
    private readonly ClockAt _time = new(new DateTimeOffset(2026, 11, 21, 3, 0, 0, TimeSpan.Zero));

    private string FilePath => _folder.File("bootstrap.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_and_since_moves_with_the_code_only()
    {
        var heartbeat = new HeartbeatFile(FilePath, "redis-bootstrap redis", _time);
        Assert.Null(heartbeat.Beat("wait-peers", "2 of 3 peers", "redis-1", "redis-2"));
        var since = _time.Now;
        _time.Now += TimeSpan.FromMinutes(5);
        Assert.Null(heartbeat.Beat("wait-peers", "1 of 3 peers", "redis-2"));
        var read = HeartbeatFile.TryRead(FilePath);
        Assert.NotNull(read);
        Assert.Equal((since, _time.Now, "1 of 3 peers", Environment.ProcessId), (read.Since, read.WrittenAt, read.Reason, read.Pid));
        Assert.Equal(["redis-2"], read.WaitingFor);
        heartbeat.Beat("restore", "restoring");
        Assert.Equal(_time.Now, HeartbeatFile.TryRead(FilePath)!.Since);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(20, true)]
    [InlineData(21, false)]
    [InlineData(-20, true)] // the clock was set back
    [InlineData(-21, false)]
    public void Freshness_is_judged_by_the_time_of_the_file(int ageSeconds, bool fresh)
    {
        new HeartbeatFile(FilePath, "x", _time).Beat("a", "b");
        File.SetLastWriteTimeUtc(FilePath, _time.Now.UtcDateTime - TimeSpan.FromSeconds(ageSeconds));
        Assert.Equal(fresh, HeartbeatFile.IsFresh(FilePath, HeartbeatFile.MaxAge, _time));
    }

    [Fact]
    public void No_file_an_empty_one_and_a_directory_are_not_fresh()
    {
        Assert.False(HeartbeatFile.IsFresh(FilePath, HeartbeatFile.MaxAge, TimeProvider.System));
        File.WriteAllText(FilePath, "");
        Assert.False(HeartbeatFile.IsFresh(FilePath, HeartbeatFile.MaxAge, TimeProvider.System));
        Assert.False(HeartbeatFile.IsFresh(_folder.Path, HeartbeatFile.MaxAge, TimeProvider.System));
        var heartbeat = new HeartbeatFile(FilePath, "x", TimeProvider.System);
        heartbeat.Beat("a", "b");
        Assert.True(HeartbeatFile.IsFresh(FilePath, HeartbeatFile.MaxAge, TimeProvider.System));
        File.Delete(FilePath);
        Assert.False(HeartbeatFile.IsFresh(FilePath, HeartbeatFile.MaxAge, TimeProvider.System));
    }

    [Fact]
    public void A_write_that_fails_is_reported_and_stops_nothing() =>
        Assert.NotNull(new HeartbeatFile(_folder.File("missing", "x.json"), "x", _time).Beat("a", "b"));

    [Fact]
    public void Every_torn_copy_and_foreign_content_is_refused_without_an_exception()
    {
        new HeartbeatFile(FilePath, "x", _time).Beat("a", "b", "c");
        var whole = File.ReadAllBytes(FilePath);
        for (var length = 0; length < whole.Length - 1; length++) Assert.False(HeartbeatDocument.TryParse(whole.AsSpan(0, length), out _));
        foreach (var foreign in new[] { "[]", "null", "{}", "{\"version\":\"1\"}", "{\"version\":1,\"pid\":1e99}", "\"\\ud800\"", "{\"version\":1,\"pid\":1,\"component\":\"\\ud800\"}", new string('[', 5000) })
            Assert.False(HeartbeatDocument.TryParse(Encoding.UTF8.GetBytes(foreign), out _));
        Assert.False(HeartbeatDocument.TryParse(new byte[HeartbeatDocument.MaxBytes + 1], out _));
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => Assert.False(HeartbeatDocument.TryParse(bytes, out _))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public async Task It_is_refreshed_while_nothing_changes()
    {
        var heartbeat = new HeartbeatFile(FilePath, "x", TimeProvider.System);
        heartbeat.Beat("a", "b");
        var first = HeartbeatFile.TryRead(FilePath)!.WrittenAt;
        using var stop = new CancellationTokenSource();
        var refreshing = heartbeat.RefreshAsync(failure => Assert.Fail(failure), stop.Token);
        await Eventually.UntilAsync("a second heartbeat", () => HeartbeatFile.TryRead(FilePath)!.WrittenAt > first);
        await stop.CancelAsync();
        await refreshing;
    }

    private sealed class ClockAt(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
