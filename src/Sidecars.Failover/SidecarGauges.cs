using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>What is asked at each scrape.</summary>
internal sealed class SidecarGauges(MetricSet metrics, SidecarLoops loops, Supervisor supervisor, int sentinelCount, TimeProvider time)
{
    public void Create()
    {
        metrics.Gauge("sidecars_failover_token_term", "Term of the token that this sidecar wants published; none: it publishes nothing.", () => Token(t => t.Term));
        metrics.Gauge("sidecars_failover_token_epoch", "Its epoch.", () => Token(t => t.Epoch));
        metrics.Gauge("sidecars_failover_published_token_epoch", "Epoch that stands at a publisher's place, as last seen.", () => Seen(p => p.Token.Epoch), "publisher");
        metrics.Gauge("sidecars_failover_published_token_rev", "Rev that stands there; each place counts its own.", () => Seen(p => p.Token.Rev), "publisher");
        metrics.Gauge("sidecars_failover_record_age_seconds", "Time since a publisher last saw or wrote what stands at its place.", RecordAge, "publisher");
        metrics.Gauge("sidecars_failover_master", "1 where the Redis beside it is master.", () => loops.Server.Last is OwnServer.Answers { IsMaster: true } ? 1 : 0);
        metrics.Gauge("sidecars_failover_process_seen", "1 where the process of the Redis beside it is seen (same PID namespace): its death is known before its connections end.", () => loops.IsProcessSeen ? 1 : 0);
        metrics.Gauge("sidecars_failover_fenced", "1 while the Redis beside it refuses writes by the fence.", () => loops.Fence.IsFenced ? 1 : 0);
        metrics.Gauge("sidecars_failover_sentinels_seen", "Sentinels that answer.", () => loops.Sentinels.Observe().OfType<SentinelObservation.Known>().Select(k => k.View.MyId).Distinct().Count());
        metrics.Gauge("sidecars_failover_sentinels_configured", "SENTINEL_COUNT.", () => sentinelCount);
        metrics.Gauge("sidecars_failover_marker_age_seconds", "Time since the marker was last written.", () => loops.Marker.Written is { } written ? time.GetElapsedTime(written.At).TotalSeconds : null);
        const string Led = "Times the Sentinels named a server outside of the group (told-back or refused), or one came to follow its master (foreign-replica).";
        metrics.Counter("sidecars_led_away_total", Led, LedAway, "outcome");
        metrics.Gauge("sidecars_failover_loop_running", "0 while a loop that failed waits for its next start.", () => supervisor.States.Select(s => new Sample(s.IsRunning ? 1 : 0, s.Name)), "loop");
    }

    private IEnumerable<Sample> LedAway() => loops.LedAway is { } loop
        ? [new Sample(loop.ToldBack, "told-back"), new Sample(loop.Refused, "refused"), new Sample(loop.ForeignReplicas, "foreign-replica")]
        : [];

    private double? Token(Func<FencingToken, long> part) => loops.Publishing?.Desired is { } desired ? part(desired.Token) : null;

    private IEnumerable<Sample> Seen(Func<PublishedMaster, long> part) =>
        loops.Publishers.Where(p => p.Loop.Seen?.Master is not null).Select(p => new Sample(part(p.Loop.Seen!.Value.Master!), p.Name));

    private IEnumerable<Sample> RecordAge() =>
        loops.Publishers.Where(p => p.Loop.Seen is not null).Select(p => new Sample(time.GetElapsedTime(p.Loop.Seen!.Value.At).TotalSeconds, p.Name));
}
