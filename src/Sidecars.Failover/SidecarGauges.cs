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
        metrics.Gauge(
            "sidecars_failover_token_term",
            "Term of the fencing token that this sidecar wants published; no series if it publishes nothing.",
            () => Token(t => t.Term));
        metrics.Gauge(
            "sidecars_failover_token_epoch",
            "Epoch of the fencing token that this sidecar wants published; no series if it publishes nothing.",
            () => Token(t => t.Epoch));
        metrics.Gauge(
            "sidecars_failover_published_token_epoch",
            "Epoch of the fencing token at a publisher's target, as last read there.",
            () => Seen(p => p.Token.Epoch), "publisher");
        metrics.Gauge(
            "sidecars_failover_published_token_rev",
            "Revision of the fencing token at a publisher's target, as last read there; each target counts its own.",
            () => Seen(p => p.Token.Rev), "publisher");
        metrics.Gauge(
            "sidecars_failover_record_age_seconds",
            "Seconds since a publisher last read or wrote its target.",
            RecordAge, "publisher");
        metrics.Gauge(
            "sidecars_failover_master",
            "1 if the Redis beside this sidecar is a master.",
            () => loops.Server.Last is OwnServer.Answers { IsMaster: true } ? 1 : 0);
        metrics.Gauge(
            "sidecars_failover_process_seen",
            "1 if this sidecar sees the process of its Redis (same PID namespace) and so notices its death before connections end.",
            () => loops.IsProcessSeen ? 1 : 0);
        metrics.Gauge(
            "sidecars_failover_fenced",
            "1 while this sidecar fences its Redis, which then refuses writes.",
            () => loops.Fence.IsFenced ? 1 : 0);
        metrics.Gauge(
            "sidecars_failover_sentinels_seen",
            "Sentinels that answer this sidecar.",
            () => loops.Sentinels.Observe().OfType<SentinelObservation.Known>().Select(k => k.View.MyId).Distinct().Count());
        metrics.Gauge("sidecars_failover_sentinels_configured", "Sentinels that there should be (SENTINEL_COUNT).", () => sentinelCount);
        metrics.Gauge(
            "sidecars_failover_marker_age_seconds",
            "Seconds since the marker beside the data was last written.",
            () => loops.Marker.Written is { } written ? time.GetElapsedTime(written.At).TotalSeconds : null);
        metrics.Gauge(
            "sidecars_failover_rescues",
            "Datasets that were put aside on this node's volume before a master replaced them, and that nobody has deleted; "
            + "no series while the volume can't be read.",
            () => loops.Rescues.Count);
        metrics.Gauge(
            "sidecars_failover_rescue_age_seconds",
            "Seconds since a dataset was last put aside on this node's volume; no series where none is kept.",
            () => loops.Rescues.Age?.TotalSeconds);
        metrics.Gauge(
            "sidecars_failover_loop_running",
            "1 while a loop of this sidecar runs, 0 while it waits to be restarted after an error, by loop.",
            () => supervisor.States.Select(s => new Sample(s.IsRunning ? 1 : 0, s.Name)), "loop");
        metrics.Counter(
            "sidecars_led_away_total",
            "Times the Sentinels named a server outside of the group (told-back or refused), "
            + "or one came to follow its master (foreign-replica).",
            LedAway, "outcome");
    }

    private IEnumerable<Sample> LedAway() => loops.LedAway is { } loop
        ? [new Sample(loop.ToldBack, "told-back"), new Sample(loop.Refused, "refused"), new Sample(loop.ForeignReplicas, "foreign-replica")]
        : [];

    private double? Token(Func<FencingToken, long> part) => loops.Publishing?.Desired is { } desired ? part(desired.Token) : null;

    private IEnumerable<Sample> Seen(Func<PublishedMaster, long> part) =>
        loops.Publishers.Where(p => p.Loop.Seen?.Master is not null).Select(p => new Sample(part(p.Loop.Seen!.Value.Master!), p.Name));

    private IEnumerable<Sample> RecordAge() =>
        loops.Publishers.Where(p => p.Loop.Seen is not null)
            .Select(p => new Sample(time.GetElapsedTime(p.Loop.Seen!.Value.At).TotalSeconds, p.Name));
}
