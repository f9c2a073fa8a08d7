using System.Diagnostics.Metrics;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover;

/// <summary>What is asked at each scrape.</summary>
internal sealed class SidecarGauges(Meter meter, SidecarLoops loops, Supervisor supervisor, int sentinelCount, TimeProvider time)
{
    public void Create()
    {
        meter.CreateObservableGauge("sidecars_failover_token_term", () => Token(t => t.Term), null, "Term of the token that this sidecar wants published; none: it publishes nothing.");
        meter.CreateObservableGauge("sidecars_failover_token_epoch", () => Token(t => t.Epoch), null, "Its epoch.");
        meter.CreateObservableGauge("sidecars_failover_published_token_epoch", () => Seen(p => p.Token.Epoch), null, "Epoch that stands at a publisher's place, as last seen.");
        meter.CreateObservableGauge("sidecars_failover_published_token_rev", () => Seen(p => p.Token.Rev), null, "Rev that stands there; each place counts its own.");
        meter.CreateObservableGauge("sidecars_failover_record_age", RecordAge, "s", "Time since a publisher last saw or wrote what stands at its place.");
        meter.CreateObservableGauge("sidecars_failover_master", () => loops.Server.Last is OwnServer.Answers { IsMaster: true } ? 1 : 0, null, "1 where the Redis beside it is master.");
        meter.CreateObservableGauge("sidecars_failover_process_seen", () => loops.IsProcessSeen ? 1 : 0, null, "1 where the process of the Redis beside it is seen (same PID namespace): its death is known before its connections end.");
        meter.CreateObservableGauge("sidecars_failover_fenced", () => loops.Fence.IsFenced ? 1 : 0, null, "1 while the Redis beside it refuses writes by the fence.");
        meter.CreateObservableGauge("sidecars_failover_sentinels_seen", () => loops.Sentinels.Observe().OfType<SentinelObservation.Known>().Select(k => k.View.MyId).Distinct().Count(), null, "Sentinels that answer.");
        meter.CreateObservableGauge("sidecars_failover_sentinels_configured", () => sentinelCount, null, "SENTINEL_COUNT.");
        meter.CreateObservableGauge("sidecars_failover_marker_age", MarkerAge, "s", "Time since the marker was last written.");
        meter.CreateObservableGauge("sidecars_failover_loop_running", Loops, null, "0 while a loop that failed waits for its next start.");
    }

    private IEnumerable<Measurement<long>> Token(Func<Core.Primitives.FencingToken, long> part) =>
        loops.Publishing?.Desired is { } desired ? [new Measurement<long>(part(desired.Token))] : [];

    private IEnumerable<Measurement<long>> Seen(Func<PublishedMaster, long> part) =>
        [.. loops.Publishers.Where(p => p.Loop.Seen?.Master is not null).Select(p => new Measurement<long>(part(p.Loop.Seen!.Value.Master!), Label("publisher", p.Name)))];

    private IEnumerable<Measurement<double>> RecordAge() =>
        [.. loops.Publishers.Where(p => p.Loop.Seen is not null).Select(p => new Measurement<double>(time.GetElapsedTime(p.Loop.Seen!.Value.At).TotalSeconds, Label("publisher", p.Name)))];

    private IEnumerable<Measurement<double>> MarkerAge() =>
        loops.Marker.Written is { } written ? [new Measurement<double>(time.GetElapsedTime(written.At).TotalSeconds)] : [];

    private IEnumerable<Measurement<int>> Loops() => [.. supervisor.States.Select(s => new Measurement<int>(s.IsRunning ? 1 : 0, Label("loop", s.Name)))];

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
