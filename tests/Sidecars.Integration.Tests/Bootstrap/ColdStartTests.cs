using System.Globalization;
using System.Text.Json;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>Six nodes from nothing, in every order.</summary>
[Collection(GroupTests.Name)]
public sealed class ColdStartTests(ITestOutputHelper output, ColdStartFigures figures) : IClassFixture<ColdStartFigures>
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>SIDECARS_SEEDS (default 3), or a hundred with SIDECARS_SOAK=1.</summary>
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, RunCount.Of(soak: 100, usual: 3))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task From_nothing_in_random_order_there_is_exactly_one_master(int seed)
    {
        var random = new Random(seed);
        await using var group = new LocalGroup(new LocalGroupOptions { Name = $"cold-{seed}" });
        var order = group.All.ToArray();
        random.Shuffle(order);
        output.WriteLine($"seed {seed}: {string.Join(", ", order.Select(n => n.Name))}");
        await using var monitor = MasterMonitor.Start(group);
        var started = TimeProvider.System.GetTimestamp();
        await using var load = WriteLoad.Start(
            new WriteLoadOptions([.. group.Sentinels.Select(s => s.Endpoint)], group.Options.EffectiveMasterName)
            { Writers = 1, WritesPerSecond = 20 });
        var firstWrite = Task.Run(async () =>
        {
            await load.Acks.First;
            return TimeProvider.System.GetElapsedTime(started);
        });
        // Each node at its own moment of the first two seconds, as pods do that are scheduled at once.
        double[] moments = [0, .. order.Select(_ => random.NextDouble()).Order()];
        await group.StartAsync(order, n => (moments[n + 1] - moments[n]) * MaxDelay);
        var lastStarted = TimeProvider.System.GetElapsedTime(started);
        await group.WaitAgreedAsync();
        var first = await firstWrite.WaitAsync(Eventually.DefaultDeadline);
        await load.StopAsync();
        await monitor.DisposeAsync();
        Assert.Empty(monitor.Findings);
        Assert.Equal(0, monitor.RoundsWithSeveralMasters);
        var state = await group.WaitAgreedAsync();
        Assert.Equal(1, group.Redis.Count(node => node.Process!.Decisions()[^1].Kind == "StartAsMaster"));
        Assert.Equal(0, (await load.CheckAsync(state.Master!.Node.Endpoint)).MissingCount);
        output.WriteLine(figures.Add(new ColdStartFigure(seed, first.TotalMilliseconds, lastStarted.TotalMilliseconds)));
    }
}

/// <summary>One cold start, in milliseconds since its beginning.</summary>
public sealed record ColdStartFigure(int Seed, double FirstWriteMilliseconds, double LastProcessStartedMilliseconds);

/// <summary>Collects the figures, and keeps artifacts/bench/coldstart.json up to date.</summary>
public sealed class ColdStartFigures
{
    private readonly List<ColdStartFigure> _all = [];

    /// <summary>Adds one, writes the file, and returns the line for people.</summary>
    public string Add(ColdStartFigure figure)
    {
        _all.Add(figure);
        var median = Median(_all.Select(f => f.FirstWriteMilliseconds));
        var folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "bench")).FullName;
        using var stream = File.Create(Path.Combine(folder, "coldstart.json"));
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("what", "3 Redis and 3 Sentinels from nothing, random order, each at a random moment of the first 2 s: "
            + "from the beginning of those to the first acknowledged write");
        json.WriteNumber("runs", _all.Count);
        json.WriteNumber("median_ms", Math.Round(median));
        json.WriteStartArray("raw");
        foreach (var (seed, first, last) in _all)
        {
            json.WriteStartObject();
            json.WriteNumber("seed", seed);
            json.WriteNumber("first_write_ms", Math.Round(first));
            json.WriteNumber("last_process_started_ms", Math.Round(last));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        return string.Create(CultureInfo.InvariantCulture,
            $"first write after {figure.FirstWriteMilliseconds:F0} ms (last process started after "
            + $"{figure.LastProcessStartedMilliseconds:F0} ms); median of {_all.Count}: {median:F0} ms");
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
