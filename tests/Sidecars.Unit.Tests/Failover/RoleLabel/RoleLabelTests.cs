using System.Text.Json.Nodes;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.RoleLabel;
using Sidecars.Failover.Watch;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.Unit.Tests.Core.Kubernetes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Failover.RoleLabel;

/// <summary>The label for people's eyes: its rules, and the loop against an API server.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "IAsyncLifetime.DisposeAsync disposes.")]
public sealed class RoleLabelTests : IAsyncLifetime
{
    private readonly SteppedTime _time = new();
    private readonly Sink _sink = new();
    private OwnServer _redis = Answers(isMaster: false);
    private FakeKubernetesServer _server = null!;
    private KubernetesClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        _server.Objects.Seed("pods", FakeKubernetesServer.Namespace, new JsonObject
        {
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject
            { ["name"] = "redis-0", ["uid"] = "uid-0", ["labels"] = new JsonObject { ["app.kubernetes.io/name"] = "redis" } },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["image"] = "sidecars/redis:0.1.0" }) },
        });
        _client = new KubernetesClient(_server.Config, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public void What_the_server_says_is_written_and_silence_changes_nothing()
    {
        Assert.Equal("master", Assert.IsType<RoleLabelDecision.Write>(RoleLabelPolicy.Decide(new(Answers(isMaster: true), null))).Role);
        Assert.Equal(
            "replica", Assert.IsType<RoleLabelDecision.Write>(RoleLabelPolicy.Decide(new(Answers(isMaster: false), "master"))).Role);
        _ = Assert.IsType<RoleLabelDecision.UpToDate>(RoleLabelPolicy.Decide(new(Answers(isMaster: true), "master")));
        _ = Assert.IsType<RoleLabelDecision.Wait>(RoleLabelPolicy.Decide(new(new OwnServer.Silent("stopped"), "master")));
        _ = Assert.IsType<RoleLabelDecision.Wait>(
            RoleLabelPolicy.Decide(new(new OwnServer.Dead(new string('a', 40), WasMaster: true), null)));
    }

    [Fact]
    public async Task A_pod_is_labelled_when_its_role_is_another_and_only_then()
    {
        var loop = Loop();
        _ = await loop.RoundAsync(default);
        Assert.Equal("replica", Label());
        _ = await loop.RoundAsync(default);
        _redis = Answers(isMaster: true);
        _ = await loop.RoundAsync(default);

        Assert.Equal("master", Label());
        Assert.Equal(["PATCH", "PATCH"], _server.Seen.Select(request => request.Method));
        Assert.All(_server.Seen, request => Assert.EndsWith("/pods/redis-0/status", request.Path, StringComparison.Ordinal));
        var pod = _server.Objects.Get("pods", FakeKubernetesServer.Namespace, "redis-0").Object;
        Assert.Equal(("redis", "sidecars/redis:0.1.0"), (pod["metadata"]!["labels"]!["app.kubernetes.io/name"]!.GetValue<string>(),
            pod["spec"]!["containers"]![0]!["image"]!.GetValue<string>()));
        Assert.Equal(["labelled", "labelled"], _sink.Done);
    }

    [Fact]
    public async Task A_pod_of_the_same_name_is_another_pod_and_left_alone()
    {
        _server.RunPod("redis-0", "uid-of-the-next-one");

        _ = await Loop().RoundAsync(default);

        Assert.Null(Label());
        Assert.Equal(["not-this-pod"], _sink.Refusals);
    }

    [Theory]
    [InlineData("forbidden")]
    [InlineData("rejected")]
    [InlineData("api")]
    [InlineData("not-kept")]
    public async Task A_failure_is_counted_and_tried_again_ever_more_rarely(string code)
    {
        for (var i = 0; i < 3; i++)
        {
            if (code == "rejected") _server.Next(new Fault.Error(422, "Invalid"));
            if (code == "api") _server.Next(new Fault.Error(500, "InternalError"));
            if (code == "not-kept")
                _server.Next(
                    new Fault.Body("""{"kind":"Pod","metadata":{"name":"redis-0","uid":"uid-0","resourceVersion":"1"}}"""u8.ToArray()));
        }

        _server.Forbids = (verb, kind, _) => code == "forbidden" && (verb, kind) == ("patch", "pods/status");
        var (time, changed) = (new VirtualTime(), new Signal());
        using var stop = new CancellationTokenSource();
        var loop = new RoleLabelLoop(_client, "redis-0", "uid-0", () => _redis, changed, dryRun: false, _sink, time, () => 0);
        var run = loop.RunAsync(stop.Token);
        foreach (var (pause, tries) in ((double, int)[])[(0.5, 1), (1, 2), (2, 3)])
        {
            time.Settle(() => time.Sleepers == 1);
            Assert.Equal(Enumerable.Repeat(code, tries), _sink.Refusals);
            if (tries == 3) _server.Forbids = (_, _, _) => false;
            changed.Raise(); // which does not shorten the pause
            time.Run(TimeSpan.FromSeconds(pause) - TimeSpan.FromMilliseconds(1), () => time.Sleepers == 1);
            Assert.Equal((tries, 0), (_sink.Refusals.Count, _sink.Done.Count));
            time.Run(TimeSpan.FromMilliseconds(1), () => time.Sleepers == 1);
        }

        Assert.Equal((3, "labelled"), (_sink.Refusals.Count, Assert.Single(_sink.Done)));
        Assert.True(loop.DueIn > TimeSpan.FromMinutes(59));
        Assert.Equal("replica", Label());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task What_another_hand_changed_is_put_back_within_an_hour()
    {
        var loop = Loop();
        _ = await loop.RoundAsync(default);
        _server.Objects.Change(
            "pods", FakeKubernetesServer.Namespace, "redis-0", pod => pod["metadata"]!["labels"]![RoleLabelPolicy.Label] = "king");
        _time.Advance(TimeSpan.FromMinutes(59));
        _ = await loop.RoundAsync(default);
        Assert.Equal(TimeSpan.FromMinutes(1), loop.DueIn);
        Assert.Equal("king", Label());

        _time.Advance(TimeSpan.FromMinutes(1));
        _ = await loop.RoundAsync(default);

        Assert.Equal("replica", Label());
    }

    [Fact]
    public async Task In_shadow_mode_nothing_is_written()
    {
        _ = await Loop(dryRun: true).RoundAsync(default);

        Assert.Empty(_server.Seen);
        Assert.Equal(["would-label"], _sink.Done);
    }

    private static OwnServer.Answers Answers(bool isMaster) => new() { RunId = new string('a', 40), IsMaster = isMaster };

    private RoleLabelLoop Loop(bool dryRun = false) =>
        new(_client, "redis-0", "uid-0", () => _redis, new Signal(), dryRun, _sink, _time, () => 0);

    private string? Label() => _server.Objects.Get(
        "pods", FakeKubernetesServer.Namespace, "redis-0").Object["metadata"]!["labels"]?[RoleLabelPolicy.Label]?.GetValue<string>();

    private sealed class Sink : IDecisionSink
    {
        public List<string> Refusals { get; } = [];

        public List<string> Done { get; } = [];

        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
        {
            if (isRefusal) Refusals.Add(code);
        }

        public void Acted(string loop, string code, string detail, string? failure) => Done.Add(code);
    }
}
