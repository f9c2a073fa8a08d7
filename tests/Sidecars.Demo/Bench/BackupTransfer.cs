using System.Globalization;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>
/// A base up, and down again until a server answers with it, by redis-backup and by <c>aws s3 cp</c>: the same bytes, the same server,
/// whole commands from their start to their end, taking turns.
/// </summary>
internal sealed record BackupTransfer
{
    public required long Bytes { get; init; }

    public required string Peer { get; init; }

    public required IReadOnlyList<double> UploadMs { get; init; }

    public required IReadOnlyList<double> PeerUploadMs { get; init; }

    /// <summary>Until the server answers.</summary>
    public required IReadOnlyList<double> RestoreMs { get; init; }

    public required IReadOnlyList<double> PeerRestoreMs { get; init; }

    public required double UploadPeakMb { get; init; }

    public required double RestorePeakMb { get; init; }

    /// <summary>Bytes a second by redis-backup over those of the peer.</summary>
    public double UploadRate => Math.Round(Median(PeerUploadMs) / Median(UploadMs), 2);

    /// <summary>Time of redis-backup over that of the peer.</summary>
    public double RestoreTime => Math.Round(Median(RestoreMs) / Median(PeerRestoreMs), 2);

    public static string? MissingPeer =>
        Command.Run("sh", "-c", "command -v aws >/dev/null") is null ? null : "aws (Debian awscli) is not installed";

    public static Dictionary<string, string> PeerEnvironment =>
        new() { ["AWS_ACCESS_KEY_ID"] = "bench", ["AWS_SECRET_ACCESS_KEY"] = "bench", ["AWS_DEFAULT_REGION"] = "us-east-1" };

    public static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);

    public static async Task<BackupTransfer> MeasureAsync(MotoServer moto, int megabytes, int rounds, CancellationToken cancellation)
    {
        await using var stage = await BackupStage.StartAsync(moto);
        var source = await FillAsync(stage.Redis, megabytes, cancellation);
        List<double> up = [], peerUp = [], down = [], peerDown = [];
        var (upPeak, downPeak) = (0.0, 0.0);
        for (var i = 0; i < rounds; i++)
        {
            using var other = new BackupTarget(moto); // an empty prefix each time
            var fresh = BackupStage.Beside(stage.Redis, other);
            var sent = await fresh.RunAsync("now");
            up.Add(sent.Milliseconds);
            var key = FormattableString.Invariant($"s3://{BackupTarget.Bucket}/peer/{i}.rdb");
            peerUp.Add(await CopyAsync(moto, source, key));
            using (var target = new TempFolder("restored"))
            {
                var fetched = await fresh.RunAsync("restore", "--target", target.Path);
                down.Add(fetched.Milliseconds + await ServeAsync(target, megabytes));
                (upPeak, downPeak) = (Math.Max(upPeak, sent.PeakMb), Math.Max(downPeak, fetched.PeakMb));
            }

            using (var target = new TempFolder("restored"))
            {
                target.Write("appendonlydir/appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n");
                peerDown.Add(await CopyAsync(moto, key, target.File("appendonlydir", "appendonly.aof.1.base.rdb"))
                    + await ServeAsync(target, megabytes));
            }
        }

        return new BackupTransfer
        {
            Bytes = new FileInfo(source).Length,
            Peer = "aws s3 cp",
            UploadMs = Round(up),
            PeerUploadMs = Round(peerUp),
            RestoreMs = Round(down),
            PeerRestoreMs = Round(peerDown),
            UploadPeakMb = upPeak,
            RestorePeakMb = downPeak,
        };
    }

    /// <summary>Fills a server with values of 1 KB that do not compress, and has it write a base; returns its path.</summary>
    public static async Task<string> FillAsync(RedisProcess redis, int megabytes, CancellationToken cancellation)
    {
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(redis.Endpoint), new RedisClientOptions { CommandTimeout = TimeSpan.FromMinutes(2) }, cancellation);
        await client.CallAsync(cancellation, "DEBUG", "POPULATE", (megabytes * 1000).ToString(CultureInfo.InvariantCulture), "key", "1000");
        await client.CallAsync(cancellation, "BGREWRITEAOF");
        var path = Path.Combine(redis.Folder, "appendonlydir", "appendonly.aof.2.base.rdb");
        await Eventually.UntilAsync("the base", () => File.Exists(path), TimeSpan.FromMinutes(3), cancellation: cancellation);
        return path;
    }

    private static double[] Round(List<double> values) => [.. values.Select(v => Math.Round(v, 1))];

    private static async Task<double> CopyAsync(MotoServer moto, string from, string to)
    {
        var started = TimeProvider.System.GetTimestamp();
        // moto copies the parts of 2 GB for longer than the 60 s that it waits
        await using var process = await ServerProcess.StartAsync(new ServerStart(
            "aws", "--endpoint-url", moto.Endpoint.ToString(), "--cli-read-timeout", "0", "s3", "cp", "--no-progress", from, to)
        {
            Environment = PeerEnvironment,
        });
        if (await process.WaitForExitAsync(TimeSpan.FromMinutes(15)) != 0) throw new InvalidOperationException(process.Tail());
        return TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
    }

    private static async Task<double> ServeAsync(TempFolder folder, int megabytes)
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var redis = await RedisProcess.StartAsync(folder, FreePort.Next(), "appendonly yes");
        await using var client = await RedisClient.ConnectAsync(new TcpTransport(redis.Endpoint), new RedisClientOptions(), default);
        var took = TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
        var keys = (await client.CallAsync(default, "DBSIZE")).Integer;
        return keys == megabytes * 1000L
            ? took
            : throw new InvalidOperationException($"{keys} keys after a restore of {megabytes * 1000L}");
    }
}
