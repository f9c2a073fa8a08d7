using Sidecars.Core.Hosting;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Core.Hosting;

[Collection(QuietDays.Name)]
public sealed class HeartbeatTests(ITestOutputHelper output) : IDisposable
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
        var read = Heartbeats.TryRead(FilePath);
        Assert.NotNull(read);
        Assert.Equal((since, _time.Now, "1 of 3 peers", Environment.ProcessId), (read.Since, read.WrittenAt, read.Reason, read.Pid));
        Assert.Equal(["redis-2"], read.WaitingFor);
        heartbeat.Beat("restore", "restoring");
        Assert.Equal(_time.Now, Heartbeats.TryRead(FilePath)!.Since);
    }

    [Fact]
    public void A_write_that_fails_is_reported_and_stops_nothing() =>
        Assert.NotNull(new HeartbeatFile(_folder.File("missing", "x.json"), "x", _time).Beat("a", "b"));

    [Fact]
    public async Task It_is_refreshed_while_nothing_changes_through_a_folder_that_is_gone_for_an_hour()
    {
        var time = new VirtualTime();
        var heartbeat = new HeartbeatFile(FilePath, "x", time);
        var failures = 0;
        heartbeat.Beat("a", "b");
        using var stop = new CancellationTokenSource();
        var refreshing = heartbeat.RefreshAsync(_ => Interlocked.Increment(ref failures), stop.Token);
        await QuietDayTests.OnThreadAsync(() =>
        {
            for (var n = 1; n <= 100; n++)
            {
                time.Run(HeartbeatFile.Interval, () => time.Sleepers == 1);
                time.Settle(() => Heartbeats.TryRead(FilePath)!.WrittenAt == time.GetUtcNow());
            }

            Directory.Delete(_folder.Path, recursive: true);
            time.Run(TimeSpan.FromHours(1), () => time.Sleepers == 1);
            time.Settle(() => Volatile.Read(ref failures) > 0);
            Directory.CreateDirectory(_folder.Path);
            time.Run(HeartbeatFile.Interval, () => time.Sleepers == 1);
            time.Settle(() => Heartbeats.TryRead(FilePath)?.WrittenAt == time.GetUtcNow());
        });
        await stop.CancelAsync();
        await refreshing;
    }

    /// <summary>A day with SIDECARS_SOAK=1, else an hour.</summary>
    [Fact]
    [QuietDayOf(typeof(HeartbeatFile))]
    public async Task Through_a_quiet_day_every_beat_is_written_and_the_next_change_at_once()
    {
        var time = new VirtualTime();
        var heartbeat = new HeartbeatFile(FilePath, "x", time);
        heartbeat.Beat("a", "b");
        using var stop = new CancellationTokenSource();
        var refreshing = heartbeat.RefreshAsync(Assert.Fail, stop.Token);
        await QuietDayTests.OnThreadAsync(() =>
        {
            QuietDay.Pass(time, () => time.Sleepers == 1 && Age() < HeartbeatFile.Interval, output, ApiAwayTests.Hours);
            heartbeat.Beat("c", "d");
            Assert.Equal(("c", time.GetUtcNow()), (Heartbeats.TryRead(FilePath)!.Code, Heartbeats.TryRead(FilePath)!.Since));
        });
        await stop.CancelAsync();
        await refreshing;

        TimeSpan Age() => time.GetUtcNow() - Heartbeats.TryRead(FilePath)!.WrittenAt;
    }

    private sealed class ClockAt(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
