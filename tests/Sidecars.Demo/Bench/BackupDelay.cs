using System.Globalization;
using System.Text;
using Sidecars.Backup.Archive;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// How long an acknowledged write is in danger: from its acknowledgement until the object that holds it is listed by the store. Marked
/// writes go along with the load; the AOF on disk says at which byte each is, and a segment's name which bytes it holds. The listing is
/// polled, so that the figures are too large by up to a poll.
/// </summary>
internal sealed record BackupDelay
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    public required string Store { get; init; }

    public required int FlushMs { get; init; }

    public required double WritesPerSecond { get; init; }

    public required double MedianMs { get; init; }

    public required double P99Ms { get; init; }

    public required double MostMs { get; init; }

    public required int Marks { get; init; }

    public required long ShippedBytes { get; init; }

    public required int Segments { get; init; }

    /// <summary>Of redis-backup, for each GB (10^9) that it shipped meanwhile.</summary>
    public required double CpuSecondsPerGb { get; init; }

    public required double PeakMb { get; init; }

    public static async Task<BackupDelay> MeasureAsync(
        MotoServer? moto, int flushMilliseconds, int writesPerSecond, TimeSpan during, CancellationToken cancellation)
    {
        await using var stage = await BackupStage.StartAsync(moto);
        await using var sidecar = await stage.StartSidecarAsync(flushMilliseconds);
        var cpu = ProcessFigures.CpuSeconds(sidecar.Pid);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watch = WatchAsync(stage.Target, stop.Token);
        List<long> acknowledged = [];
        double rate;
        await using (var load = new BackupLoad(stage.Redis.Endpoint, writesPerSecond))
        {
            await using var client = await RedisClient.ConnectAsync(
                new TcpTransport(stage.Redis.Endpoint), new RedisClientOptions { CommandTimeout = TimeSpan.FromSeconds(10) }, cancellation);
            for (var started = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(started) < during;)
            {
                if ((await client.CallAsync(cancellation, "SET", Mark(acknowledged.Count), "x")).IsError)
                    throw new InvalidOperationException("a mark was refused");
                acknowledged.Add(TimeProvider.System.GetTimestamp());
                await Task.Delay(Between, TimeProvider.System, cancellation);
            }

            rate = load.PerSecond;
        }

        var aof = stage.AofPath;
        var length = new FileInfo(aof).Length;
        await Eventually.UntilAsync(
            "all of it to be shipped", () => watch.Reached >= length, TimeSpan.FromMinutes(1), cancellation: cancellation);
        await stop.CancelAsync();
        await watch.Ended;
        var (after, peak) = (ProcessFigures.CpuSeconds(sidecar.Pid), ProcessFigures.PeakMegabytes(sidecar.Pid)!.Value);
        await sidecar.TerminateAsync();
        var delays = Offsets(aof, acknowledged.Count)
            .Zip(acknowledged, (offset, at) => Elapsed(at, watch.Seen.First(s => s.Name.End > offset).Seen)).Order().ToArray();
        return new BackupDelay
        {
            Store = moto is null ? "directory" : "S3 (moto)",
            FlushMs = flushMilliseconds,
            WritesPerSecond = Math.Round(rate),
            MedianMs = delays[delays.Length / 2],
            P99Ms = delays[delays.Length * 99 / 100],
            MostMs = delays[^1],
            Marks = delays.Length,
            ShippedBytes = length,
            Segments = watch.Seen.Count,
            CpuSecondsPerGb = Math.Round((after - cpu) / length * 1e9, 2),
            PeakMb = Math.Round(peak, 1),
        };
    }

    private static double Elapsed(long from, long to) =>
        Math.Round(Math.Max(0, TimeProvider.System.GetElapsedTime(from, to).TotalMilliseconds), 1);

    private static string Mark(int number) => string.Create(CultureInfo.InvariantCulture, $"mark:{number:D8}");

    private static Watch WatchAsync(BackupTarget target, CancellationToken cancellation)
    {
        var seen = new List<(SegmentName, long)>();
        return new Watch(seen, LookAsync());

        async Task LookAsync()
        {
            var tail = target.Store.Layout.Tail(1);
            string? last = null;
            while (!cancellation.IsCancellationRequested)
            {
                List<string> fresh = [];
                await foreach (var entry in target.Objects.ListAsync(tail, last, CancellationToken.None)) fresh.Add(entry.Key);
                var now = TimeProvider.System.GetTimestamp();
                lock (seen)
                {
                    foreach (var key in fresh)
                        if (key[tail.Length..].Split('/') is [var folder, var file] && SegmentName.TryParse(folder, file, out var name))
                            seen.Add((name, now));
                }

                last = fresh.Count > 0 ? fresh[^1] : last;
                await Task.Delay(Poll, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    // Where each mark is in the file; all are there, once, in order.
    private static IEnumerable<long> Offsets(string aof, int count)
    {
        var bytes = File.ReadAllBytes(aof);
        for (int i = 0, at = 0; i < count; i++)
        {
            var found = bytes.AsSpan(at).IndexOf(Encoding.ASCII.GetBytes(Mark(i)));
            if (found < 0) throw new InvalidOperationException(Mark(i) + " is not in the AOF");
            yield return at += found;
        }
    }

    private sealed record Watch(List<(SegmentName Name, long Seen)> Seen, Task Ended)
    {
        public long Reached
        {
            get { lock (Seen) return Seen.Count > 0 ? Seen[^1].Name.End : 0; }
        }
    }
}
