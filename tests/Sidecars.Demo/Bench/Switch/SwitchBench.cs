using System.Globalization;
using System.Text.Json;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>
/// What applications notice when the master moves: a group of 3 + 3 with its sidecars, and one client after another that writes
/// through each scenario, so that no client takes another's processor. Afterwards the master is asked for every acknowledged write.
/// </summary>
internal sealed record SwitchBench : IBenchResult
{
    private const int WritesBefore = 1000; // a client that has warmed up
    private const int WritesAfter = 200;
    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(60);

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public required Machine Machine { get; init; }

    public required string LoadAfter { get; init; }

    /// <summary>Library and version of each client that was had.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>Clients that could not be had, and why.</summary>
    public required IReadOnlyDictionary<string, string> LeftOut { get; init; }

    public required IReadOnlyList<SwitchRow> Rows { get; init; }

    public bool WithinBudget => Rows.All(row => row.Failed.Count == 0 && (row.MayLose || row.Lost == 0));

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(SwitchOptions options, TextWriter output, CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        var found = new List<FoundClient>();
        foreach (var client in SwitchClients.Stock.Where(c => SwitchOptions.Wants(c.Name, options.Clients)))
            found.Add(await SwitchClients.FindAsync(client));
        List<FoundClient?> present = [.. found.Where(c => c.LeftOut is null)];
        if (SwitchOptions.Wants(SwitchClients.InHouse, options.Clients)) present.Insert(0, null);
        var rows = new List<SwitchRow>();
        foreach (var scenario in SwitchScenarios.All.Where(s => SwitchOptions.Wants(s.Name, options.Scenarios)))
        {
            foreach (var client in present)
            {
                var runs = options.Runs ?? (client is null ? scenario.InHouseRuns : scenario.Runs);
                var row = await MeasureAsync(scenario, client, runs, options.LogOverMs, output, cancellation);
                rows.Add(row);
                await output.WriteLineAsync(row.ToString());
            }
        }

        var result = new SwitchBench
        {
            Machine = machine,
            LoadAfter = Machine.Load(),
            Versions = found.Where(c => c.LeftOut is null).ToDictionary(c => c.Client.Name, c => c.Version!),
            LeftOut = found.Where(c => c.LeftOut is not null).ToDictionary(c => c.Client.Name, c => c.LeftOut!),
            Rows = rows,
        };
        foreach (var (name, why) in result.LeftOut) await output.WriteLineAsync($"LEFT OUT: {name}: {why}");
        if (options.Markdown) await output.WriteAsync(SwitchTable.Markdown(result));
        return result;
    }

    // One group for all runs of a client: each begins with the settled group that the one before left behind.
    private static async Task<SwitchRow> MeasureAsync(
        SwitchScenario scenario, FoundClient? client, int runs, int? logOverMs, TextWriter output, CancellationToken cancellation)
    {
        var name = client?.Client.Name ?? SwitchClients.InHouse;
        var noticed = new List<Noticed>();
        var failed = new List<string>();
        var lost = 0L;
        await using (var stage = await SwitchStage.StartAsync(cancellation))
        {
            for (var run = 1; run <= runs && failed.Count == 0; run++)
            {
                var prefix = string.Create(CultureInfo.InvariantCulture, $"{name}:{run}:");
                await using ISwitchWriter writer = client is null
                    ? new InHouseWriters(stage.Group, prefix)
                    : await StockWriter.StartAsync(stage, client, prefix);
                try
                {
                    await WaitForWritesAsync(stage, WritesBefore, cancellation);
                    var said = stage.LinesSoFar();
                    writer.Mark();
                    await scenario.PlayAsync(stage);
                    await WaitForWritesAsync(stage, WritesAfter, cancellation);
                    noticed.Add(await writer.StopAsync() with { ToldWithinMs = stage.ToldWithinMs(said) });
                    if (noticed[^1].LongestGapMs > logOverMs)
                    {
                        await output.WriteLineAsync(
                            string.Create(CultureInfo.InvariantCulture, $"run {run}: gap {noticed[^1].LongestGapMs:F1} ms"));
                        foreach (var line in stage.LinesAfter(said)) await output.WriteLineAsync(line);
                    }

                    lost += await writer.LostAsync((await stage.MasterAsync()).Endpoint, cancellation);
                    await stage.EmptyAsync();
                }
                catch (Exception e) when (e is TimeoutException or InvalidOperationException or RedisConnectionException)
                {
                    // The group may not be whole: later runs in it would say nothing.
                    failed.Add(string.Create(CultureInfo.InvariantCulture, $"run {run}: {e.Message}\n{writer.Tail}"));
                }
            }
        }

        return SwitchRow.Of(scenario, name, noticed, lost, failed);
    }

    // Any language's program is seen to write by the number of keys.
    private static async Task WaitForWritesAsync(SwitchStage stage, int more, CancellationToken cancellation)
    {
        var master = (await stage.MasterAsync()).Endpoint;
        var before = await stage.KeysAsync(master);
        await Eventually.UntilAsync(
            string.Create(CultureInfo.InvariantCulture, $"{more} writes more than {before}"),
            async () => await stage.KeysAsync(master) >= before + more, WriteDeadline, cancellation: cancellation);
    }
}
