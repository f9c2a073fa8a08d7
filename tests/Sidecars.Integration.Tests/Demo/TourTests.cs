using System.Text.Json;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>The tour of scripts/demo, played with real processes, the managed executables: what each of its steps must show.</summary>
[Collection(GroupTests.Name)]
public sealed class TourTests : IDisposable
{
    private const int Rate = 200; // writes a second
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6); // 40 s on an idle machine; every step has its own deadline of 90 s
    private readonly TempFolder _folder = new("tour");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_step_of_the_tour_heals_and_loses_no_more_than_it_may()
    {
        var json = _folder.File("tour.json");
        await using var demo = await DemoScript.StartAsync(
            _folder, "--scenario", "tour", "--rate", $"{Rate}", "--no-color", "--json", json);
        Assert.True(await demo.WaitForExitAsync(Patience) == 0, demo.Tail(60));

        using var figures = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        var steps = figures.RootElement.GetProperty("steps").EnumerateArray().ToArray();
        (string Title, bool MayLose)[] expected =
        [
            (@"^kill -9 of the master, redis-\d$", true), // what no replica had received
            (@"^redis-\d comes back$", false),
            (@"^step-down of redis-\d$", false),
            (@"^redis-\d, the master, loses pod and volume$", true),
            ("^everything is killed, and comes back$", true),
            ("^a key is deleted; restore to the second before$", false),
        ];
        Assert.Equal(expected.Length, steps.Length);
        Assert.All(expected.Zip(steps), pair =>
        {
            var (title, step) = pair;
            Assert.Matches(title.Title, step.GetProperty("step").GetString());
            Assert.Equal(title.MayLose, step.GetProperty("may_lose").ValueKind == JsonValueKind.String);
            // A second of writes is far above what a killed master holds back, and far below what a wrong election would cost.
            Assert.InRange(step.GetProperty("lost_writes").GetInt64(), 0, title.MayLose ? Rate : 0);
            Assert.True(step.GetProperty("acknowledged_writes").GetInt64() > 0, $"{title.Title}: no client wrote");
            Assert.Equal(JsonValueKind.Number, step.GetProperty("record_gap_seconds").ValueKind); // clients of the record write, too
        });
        Assert.True(figures.RootElement.GetProperty("first_write_seconds").GetDouble() > 0);
        Assert.Equal(0, figures.RootElement.GetProperty("two_masters_accepted").GetInt32());
        Assert.Empty(figures.RootElement.GetProperty("broken").EnumerateArray());

        Assert.Contains("all held", demo.Output);
        Assert.Contains("never did two masters accept writes", demo.Output);
        Assert.Contains(demo.Output, line => line.Contains("first backup, and a tail that follows", StringComparison.Ordinal));
        Assert.Contains(demo.Output, line => line.Contains("demo:precious is \"kept\" again", StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateDirectories(_folder.Path, "sidecars-demo-*")); // nothing is left
    }
}
