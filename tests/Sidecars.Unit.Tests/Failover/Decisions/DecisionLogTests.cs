using System.Text;
using System.Text.Json;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Status;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Decisions;

/// <summary>What a sidecar logs of a decision and of an act, at which level, and what it keeps to be explained.</summary>
public sealed class DecisionLogTests : IDisposable
{
    private readonly TempFolder _folder = new("decisions");
    private readonly MemoryStream _output = new();
    private readonly QueuedLog _lines;
    private readonly DecisionLog _log;

    public DecisionLogTests()
    {
        var file = new DecisionFile(_folder.Path, "redis-failover");
        _lines = new QueuedLog(_output, "redis-failover", TimeProvider.System, LogLevel.Info, decisions: file);
        _log = new DecisionLog(_lines.Log, new FailoverMetrics(new MetricSet()));
    }

    public void Dispose()
    {
        _lines.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_decision_is_one_short_line_and_is_explained_from_the_folder_that_keeps_its_snapshot()
    {
        var facts = FailoverFacts.Healthy;
        var decision = FencePolicy.Decide(facts);
        for (var i = 0; i < 3; i++)
            _log.Decided("fence", decision.Code, decision.Reason, isRefusal: false,
                () => JsonSerializer.Serialize(facts, FenceJson.Default.FenceFacts));

        var line = Assert.Single(Lines());
        Assert.Equal(
            ("decision", "fence", decision.Code, decision.Reason),
            (Text(line, "event"), Text(line, "loop"), Text(line, "code"), Text(line, "message")));
        Assert.False(line.TryGetProperty("snapshot", out _));

        List<ReplayOutcome> replayed = [];
        await foreach (var kept in DecisionFile.ReadAsync(_folder.Path, default))
            replayed.Add(DecisionReplay.Replay(kept, bootstrap: null));
        Assert.True(Assert.IsType<ReplayOutcome.Replayed>(Assert.Single(replayed)).IsSame);
    }

    [Theory]
    [InlineData("fence", "fenced", "warning")]
    [InlineData("fence", "lifted", "warning")]
    [InlineData("death", "failover", "warning")]
    [InlineData("hand-over-repair", "unfence", "warning")]
    [InlineData("self-replica", "promote", "warning")]
    [InlineData("stray-replica", "attach", "warning")]
    [InlineData("ghosts", "reset", "info")]
    [InlineData("publish-slice", "written", "info")]
    [InlineData("passwords", "accept", "info")]
    [InlineData("role-label", "labelled", "info")]
    public void What_is_done_to_clients_or_data_is_a_warning_and_what_fails_too(string loop, string code, string level)
    {
        _log.Acted(loop, code, "detail", null);
        _log.Acted(loop, code, "detail", "why not");
        Assert.Equal([("done", level), ("not-done", "warning")], Lines().Select(line => (Text(line, "event"), Text(line, "level"))));
    }

    [Fact]
    public void A_refusal_is_a_warning_and_any_other_decision_information()
    {
        _log.Decided("death", "no-agreement", "why", isRefusal: true, () => "null");
        _log.Decided("death", "not-dead", "why", isRefusal: false, () => "null");
        Assert.Equal(["warning", "info"], Lines().Select(line => Text(line, "level")));
    }

    private List<JsonElement> Lines()
    {
        Assert.True(_lines.Drain());
        var lines = Encoding.UTF8.GetString(_output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();
}
