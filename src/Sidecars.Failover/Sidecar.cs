using Sidecars.Core.Election;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Options;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>What <c>run</c> hosts: loops side by side, each of which fails alone.</summary>
internal sealed class Sidecar : IDisposable
{
    private static readonly BackoffSchedule RestartPause = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30));

    private readonly FailoverOptions _options;
    private readonly JsonLineLog _log;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly MetricSet _shown = new();
    private readonly FailoverMetrics _metrics;
    private readonly DecisionLog _decisions;
    private readonly Supervisor _supervisor;
    private readonly KubernetesClient? _kubernetes;
    private readonly IGroupRecord? _record;
    private readonly GroupConnections _connections;

    public Sidecar(FailoverOptions options, QueuedLog lines, TimeProvider time, Random random)
    {
        (_options, _log, _time, _random) = (options, lines.Log, time, random);
        ProcessMetrics.AddTo(_shown, Version.Text, lines);
        _metrics = new FailoverMetrics(_shown);
        _decisions = new DecisionLog(_log, _metrics);
        _connections = new GroupConnections(options.Group, time);
        _kubernetes = options.Group.Kubernetes is { } settings ? new KubernetesClient(settings.Config, time) : null;
        _record = _connections.OpenRecord(_kubernetes);
        _supervisor = new Supervisor(RestartPause, LoopFailed, time, random.NextDouble, loop => _metrics.LoopStarted(Label(loop)));
    }

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        foreach (var mistake in _options.Publish.Mistakes)
            _log.Error("wrong-configuration", $"{mistake}; nothing is published there, everything else runs");
        var loops = new SidecarLoops(_options, _connections, _record, _kubernetes, _supervisor, _decisions, _log, _shown, _time, _random);
        foreach (var target in loops.Targets) _metrics.ExpectTarget("publish-" + target.Name);
        new SidecarGauges(_shown, loops, _supervisor, _options.Group.SentinelCount, _time).Create();
        if (_options.MetricsPort > 0)
            _supervisor.Start(
                "telemetry", new TelemetryServer(_options.MetricsPort, _shown, Health, _log, _time, _random).RunAsync, cancellation);
        loops.Start(cancellation);
        await _supervisor.WhenEndedAsync().ConfigureAwait(false);
        _log.Info("stopped", "stopped by a signal; DNS record, EndpointSlice and fence are left unchanged");
    }

    public void Dispose()
    {
        (_record as IDisposable)?.Dispose();
        _kubernetes?.Dispose();
    }

    // Of this process, never of Redis or a cloud: a restart of the sidecar heals nothing there.
    private HealthReport Health()
    {
        var failing = _supervisor.States.Where(state => !state.IsRunning)
            .Select(state => $"the loop {state.Name} failed: {state.LastError}").ToArray();
        return failing.Length == 0 ? HealthReport.Healthy : new HealthReport(failing);
    }

    // Without the address that stands behind the name of a Sentinel's watch: a label has few values.
    private static string Label(string loop) => loop.Split(' ')[0];

    private void LoopFailed(string loop, Exception e)
    {
        _metrics.LoopFailed(Label(loop));
        // What IO throws says what happened, and is over some time; anything else is a mistake of ours, whose place counts.
        var isIo = e is IOException;
        _log.Write(
            isIo ? LogLevel.Warning : LogLevel.Error, "loop-failed", e.Message,
            LogField.Of("loop", loop), LogField.Of("exception", isIo ? e.GetType().Name : e.ToString()));
    }
}
