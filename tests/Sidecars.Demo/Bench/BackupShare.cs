using System.Globalization;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>One run at full load: Redis' writes, and the processor time of every process, seconds a second.</summary>
/// <param name="PerSecond">Writes that were acknowledged.</param>
/// <param name="MegabytesPerSecond">What the AOF grew by, 10^6 bytes.</param>
/// <param name="Redis">Of the server.</param>
/// <param name="Load">Of the load generator.</param>
/// <param name="Sender">Of redis-backup, or of <c>aws s3 cp</c>; 0 without.</param>
/// <param name="Store">Of the S3 server; 0 for a directory.</param>
internal sealed record BackupRun(double PerSecond, double MegabytesPerSecond, double Redis, double Load, double Sender, double Store)
{
    /// <summary>Of the sender, for each GB (10^9).</summary>
    public double SenderPerGb => Math.Round(Sender / MegabytesPerSecond * 1000, 2);

    /// <summary>Of the S3 server, for each GB.</summary>
    public double StorePerGb => Math.Round(Store / MegabytesPerSecond * 1000, 2);
}

/// <summary>
/// What backups cost Redis: writes a second as fast as they are answered, with and without redis-backup, in runs that take turns. An S3
/// server on the same processors is no part of the product, and takes its share: the control is the same file sent to it, as it grows, by
/// <c>aws s3 cp</c> from its standard input.
/// </summary>
internal sealed record BackupShare
{
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(1);
    private static int _controls;

    private enum Sender
    {
        None,
        Backup,
        Peer,
    }

    public required string Store { get; init; }

    public required IReadOnlyList<BackupRun> Off { get; init; }

    public required IReadOnlyList<BackupRun> On { get; init; }

    /// <summary>By the peer; empty for a directory, and where it is not installed.</summary>
    public required IReadOnlyList<BackupRun> Control { get; init; }

    /// <summary>On / off of each round.</summary>
    public IReadOnlyList<double> Ratios => RatiosOf(On);

    /// <summary>Control / off of each round.</summary>
    public IReadOnlyList<double> ControlRatios => RatiosOf(Control);

    public double MedianRatio => BackupTransfer.Median(Ratios);

    public double? MedianControlRatio => Control.Count == 0 ? null : BackupTransfer.Median(ControlRatios);

    /// <param name="moto">Null: a directory.</param>
    /// <param name="rounds">How many.</param>
    /// <param name="during">Each run.</param>
    public static async Task<BackupShare> MeasureAsync(MotoServer? moto, int rounds, TimeSpan during)
    {
        Dictionary<Sender, List<BackupRun>> runs = new() { [Sender.None] = [], [Sender.Backup] = [], [Sender.Peer] = [] };
        Sender[] kinds = moto is not null && BackupTransfer.MissingPeer is null
            ? [Sender.None, Sender.Backup, Sender.Peer]
            : [Sender.None, Sender.Backup];
        for (var i = 0; i < rounds; i++)
        {
            // Who is first takes turns too: what changes with time meets all.
            for (var k = 0; k < kinds.Length; k++)
            {
                var kind = kinds[(i + k) % kinds.Length];
                runs[kind].Add(await RunAsync(moto, kind, during));
            }
        }

        return new BackupShare
        {
            Store = moto is null ? "directory" : "S3 (moto)",
            Off = runs[Sender.None],
            On = runs[Sender.Backup],
            Control = runs[Sender.Peer]
        };
    }

    /// <summary>For people.</summary>
    public IEnumerable<string> Lines()
    {
        yield return Line("without backup", Off, []);
        yield return Line("with redis-backup", On, Ratios);
        if (Control.Count > 0) yield return Line("with aws s3 cp instead", Control, ControlRatios);
    }

    private IReadOnlyList<double> RatiosOf(IReadOnlyList<BackupRun> runs) =>
        [.. runs.Zip(Off, (run, off) => Math.Round(run.PerSecond / off.PerSecond, 3))];

    private string Line(string what, IReadOnlyList<BackupRun> runs, IReadOnlyList<double> ratios)
    {
        double Of(Func<BackupRun, double> figure) => BackupTransfer.Median([.. runs.Select(figure)]);
        return string.Create(CultureInfo.InvariantCulture,
            $"{Store}, {what}: {Of(r => r.PerSecond):N0} writes/s, {Of(r => r.MegabytesPerSecond):0.0} MB/s; processors: "
            + $"Redis {Of(r => r.Redis):0.00}, load {Of(r => r.Load):0.00}, sender {Of(r => r.Sender):0.00} "
            + $"({Of(r => r.SenderPerGb):0.0} s/GB), server {Of(r => r.Store):0.00} ({Of(r => r.StorePerGb):0.0} "
            + $"s/GB){(ratios.Count > 0 ? "; ratios " + string.Join(' ', ratios) : "")}");
    }

    private static async Task<BackupRun> RunAsync(MotoServer? moto, Sender kind, TimeSpan during)
    {
        await using var stage = await BackupStage.StartAsync(moto);
        await using var sender =
            kind switch { Sender.Backup => await stage.StartSidecarAsync(1000), Sender.Peer => await CopyAsync(moto!, stage), _ => null };
        await using var load = new BackupLoad(stage.Redis.Endpoint, 0);
        await Task.Delay(Warm, TimeProvider.System);
        var (before, started) = (Now(), TimeProvider.System.GetTimestamp());
        await Task.Delay(during, TimeProvider.System);
        var (after, took) = (Now(), TimeProvider.System.GetElapsedTime(started).TotalSeconds);
        double A(int figure) => Math.Round((after[figure] - before[figure]) / took, 3);
        return new BackupRun(Math.Round((after[0] - before[0]) / took), A(1), A(2), A(3), A(4), A(5));

        double[] Now() =>
        [
            load.Acknowledged, new FileInfo(stage.AofPath).Length / 1e6, ProcessFigures.CpuSeconds(stage.Redis.Process.Pid),
            Environment.CpuUsage.TotalTime.TotalSeconds,
            sender is null ? 0 : ProcessFigures.CpuSeconds(sender.Pid), moto is null ? 0 : ProcessFigures.CpuSeconds(moto.Process.Pid),
        ];
    }

    // tail ends with the process that it writes to.
    private static Task<ServerProcess> CopyAsync(MotoServer moto, BackupStage stage) =>
        ServerProcess.StartAsync(
            new ServerStart("bash", "-c", "exec aws --endpoint-url \"$1\" s3 cp - \"$2\" < <(exec tail -c +1 -f --pid=$$ \"$3\")", "bash",
                moto.Endpoint.ToString(), FormattableString.Invariant($"s3://{BackupTarget.Bucket}/control/{++_controls}"), stage.AofPath)
            {
                Name = "aws",
                Environment = BackupTransfer.PeerEnvironment,
            });
}
