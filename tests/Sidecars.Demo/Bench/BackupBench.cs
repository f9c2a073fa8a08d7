using System.Globalization;
using System.Text.Json;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench;

/// <summary>What a figure should be.</summary>
/// <param name="Name">Which figure.</param>
/// <param name="Value">As measured.</param>
/// <param name="Bound">At most, or at least.</param>
/// <param name="AtLeast">Which of both.</param>
internal sealed record Aim(string Name, double Value, double Bound, bool AtLeast = false)
{
    public bool IsMet => AtLeast ? Value >= Bound : Value <= Bound;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Name,-58}{Value,10:0.##}   {(AtLeast ? "at least" : "at most")} {Bound,6:0.##}   {(IsMet ? "ok" : "MISSED")}");
}

/// <summary>The native redis-backup under load, beside nothing and beside <c>aws s3 cp</c>; every figure with its aim.</summary>
internal sealed record BackupBench : IBenchResult
{
    private const int WritesPerSecond = 60_000;
    private const double MostMb = 64;
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required Machine Machine { get; init; }

    public required string LoadAfter { get; init; }

    public IReadOnlyList<BackupDelay> Delays { get; init; } = [];

    public IReadOnlyList<BackupShare> Shares { get; init; } = [];

    public required BackupTransfer? Transfer { get; init; }

    /// <summary>What could not be measured here.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    public required IReadOnlyList<Aim> Aims { get; init; }

    public bool WithinBudget => Aims.All(a => a.IsMet);

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation) =>
        RunAsync(isFull: false, output, cancellation);

    /// <summary>Upload, restore and memory with 2 GB.</summary>
    public static Task<IBenchResult> RunFullAsync(TextWriter output, CancellationToken cancellation) =>
        RunAsync(isFull: true, output, cancellation);

    private static async Task<IBenchResult> RunAsync(bool isFull, TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        List<string> missing = [];
        if (MotoServer.Missing is { } noServer) missing.Add("S3: " + noServer);
        if (BackupTransfer.MissingPeer is { } noPeer) missing.Add("peer: " + noPeer);
        await using var moto = MotoServer.Missing is null ? await MotoServer.StartAsync() : null;
        if (moto is not null) await moto.CreateBucketAsync(BackupTarget.Bucket);
        List<BackupDelay> delays = [];
        List<BackupShare> shares = [];
        if (!isFull)
        {
            foreach (var server in (MotoServer?[])(moto is null ? [null] : [null, moto]))
            {
                foreach (var flush in (int[])[1000, 500])
                {
                    delays.Add(await BackupDelay.MeasureAsync(server, flush, WritesPerSecond, TimeSpan.FromSeconds(15), cancellation));
                    await output.WriteLineAsync(Line(delays[^1]));
                }

                shares.Add(await BackupShare.MeasureAsync(server, rounds: 7, TimeSpan.FromSeconds(4)));
                foreach (var line in shares[^1].Lines()) await output.WriteLineAsync(line);
            }
        }

        var transfer =
            missing.Count == 0 ? await BackupTransfer.MeasureAsync(moto!, isFull ? 2000 : 256, isFull ? 3 : 5, cancellation) : null;
        if (transfer is not null)
            await output.WriteLineAsync(
                $"{transfer.Bytes / 1e6:0} MB, ms by redis-backup / {transfer.Peer}: up {BackupTransfer.Median(transfer.UploadMs):0} / "
                + $"{BackupTransfer.Median(transfer.PeerUploadMs):0}, restored and serving {BackupTransfer.Median(transfer.RestoreMs):0} "
                + $"/ {BackupTransfer.Median(transfer.PeerRestoreMs):0}");
        var result = new BackupBench
        {
            Machine = machine,
            LoadAfter = Machine.Load(),
            Delays = delays,
            Shares = shares,
            Transfer = transfer,
            Missing = missing,
            Aims = [.. AimsOf(delays, shares, transfer)],
        };
        foreach (var aim in result.Aims) await output.WriteLineAsync(aim.ToString());
        foreach (var what in missing) await output.WriteLineAsync("NOT MEASURED: " + what);
        await output.WriteLineAsync($"load at the end {result.LoadAfter}");
        return result;
    }

    private static IEnumerable<Aim> AimsOf(List<BackupDelay> delays, List<BackupShare> shares, BackupTransfer? transfer)
    {
        foreach (var delay in delays)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{delay.Store}, flush {delay.FlushMs} ms: ");
            yield return new Aim(name + "writes a second", delay.WritesPerSecond, 50_000, AtLeast: true);
            if (delay.FlushMs == 1000) yield return new Aim(name + "acknowledged until stored, median ms", delay.MedianMs, 1000);
            yield return new Aim(name + "acknowledged until stored, p99 ms", delay.P99Ms, delay.FlushMs * 2);
            yield return new Aim(name + "peak MB", delay.PeakMb, MostMb);
        }

        foreach (var share in shares)
            yield return new Aim($"{share.Store}: Redis' writes with backup / without", share.MedianRatio, 0.9, AtLeast: true);
        if (transfer is null) yield break;
        yield return new Aim("upload rate / aws s3 cp", transfer.UploadRate, 1, AtLeast: true);
        yield return new Aim("restore to serving / aws s3 cp and load", transfer.RestoreTime, 1.1);
        yield return new Aim("peak MB of an upload, of a restore", Math.Max(transfer.UploadPeakMb, transfer.RestorePeakMb), MostMb);
    }

    private static string Line(BackupDelay delay) => string.Create(
        CultureInfo.InvariantCulture,
        $"{delay.Store}, flush {delay.FlushMs} ms, {delay.WritesPerSecond:N0} writes/s: stored after median {delay.MedianMs:0} ms, "
        + $"p99 {delay.P99Ms:0}, most {delay.MostMs:0} ({delay.Marks} marks); {delay.ShippedBytes / 1e6:0} MB in {delay.Segments} "
        + $"segments, {delay.CpuSecondsPerGb:0.0} CPU s/GB, peak {delay.PeakMb:0} MB");
}
