using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>What backups cost Redis: writes a second as fast as they are answered, with and without redis-backup, in pairs that take turns.</summary>
internal sealed record BackupShare
{
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(1);

    public required string Store { get; init; }

    public required IReadOnlyList<double> Off { get; init; }

    public required IReadOnlyList<double> On { get; init; }

    /// <summary>On / off of each pair.</summary>
    public IReadOnlyList<double> Ratios => [.. On.Zip(Off, (on, off) => Math.Round(on / off, 3))];

    public double MedianRatio => Ratios.Order().ElementAt(Ratios.Count / 2);

    /// <param name="moto">Null: a directory.</param>
    /// <param name="pairs">How many.</param>
    /// <param name="during">Each run.</param>
    public static async Task<BackupShare> MeasureAsync(MotoServer? moto, int pairs, TimeSpan during)
    {
        List<double> off = [], on = [];
        for (var i = 0; i < pairs; i++)
        {
            // Who is first takes turns too: what changes with time meets both.
            if (i % 2 == 0) off.Add(await RunAsync(moto, false, during));
            on.Add(await RunAsync(moto, true, during));
            if (i % 2 == 1) off.Add(await RunAsync(moto, false, during));
        }

        return new BackupShare { Store = moto is null ? "directory" : "S3 (moto)", Off = off, On = on };
    }

    private static async Task<double> RunAsync(MotoServer? moto, bool withBackup, TimeSpan during)
    {
        await using var stage = await BackupStage.StartAsync(moto);
        await using var sidecar = withBackup ? await stage.StartSidecarAsync(1000) : null;
        await using var load = new BackupLoad(stage.Redis.Endpoint, 0);
        await Task.Delay(Warm, TimeProvider.System);
        var (before, started) = (load.Acknowledged, TimeProvider.System.GetTimestamp());
        await Task.Delay(during, TimeProvider.System);
        return Math.Round((load.Acknowledged - before) / TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }
}
