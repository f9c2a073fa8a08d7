using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Retention;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Backup.Upload;

/// <summary>
/// Gets the lease, ships (<see cref="UploadTurn"/>) until it is lost or the stream ends, and begins again; whatever fails is tried again,
/// and Redis never waits for any of it. Ends only by cancellation, after a bounded drain.
/// </summary>
public sealed class UploaderLoop(
    BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, JsonLineLog log, TimeProvider time, Random random)
{
    private static readonly TimeSpan OnceLook = TimeSpan.FromMilliseconds(25); // somebody waits for it
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private readonly RetryPause _failing =
        new(new BackoffSchedule(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(15)), time, random.NextDouble);
    // Somebody has to give it another store, or that another version: asked rarely, and not given up.
    private readonly RetryPause _unfit =
        new(new BackoffSchedule(TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(15)), time, random.NextDouble);
    private readonly LeaseQueue _queue = new(store, node, options, log, time);
    private bool _fresh;
    private bool _isProved;

    /// <summary>Counts.</summary>
    public UploadCounters Counters { get; } = new();

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var held = await _queue.TakeAsync(Counters, cancellation).ConfigureAwait(false);
                await ProveAsync(held, cancellation).ConfigureAwait(false);
                await HoldAsync(held, cancellation).ConfigureAwait(false);
            }
            catch (GenerationEndedException e)
            {
                _fresh = true;
                Counters.Fail(e.Code);
                log.Warning("generation_ended", e.Message, LogField.Of("code", e.Code));
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (IOException e)
            {
                Counters.Fail(e);
                var refused = e as StoreException;
                var failing = refused?.Failure == StoreFailure.Unfit ? _unfit : _failing;
                var pause = failing.Failed(refused?.Asked);
                log.Warning(
                    "failed", e.Message, LogField.Of("failures", failing.Failures), LogField.Of("again_after_s", (long)pause.TotalSeconds));
                await PauseAsync(pause, cancellation).ConfigureAwait(false);
            }
            finally
            {
                Counters.Release();
            }
        }
    }

    /// <summary>One base now, then ends: for a person or a CronJob, where nobody holds the lease.</summary>
    /// <param name="wait">How long it may take, as long as nothing goes up: a server may refuse a snapshot for ever.</param>
    /// <param name="silent">ETag of a lease whose holder has been silent for too long, and that may be taken; null: none.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>What was written; null where somebody else uploads.</returns>
    /// <exception cref="IOException">None came of it; the message says what it waited for.</exception>
    public async Task<BackupManifest?> BackUpOnceAsync(TimeSpan wait, string? silent, CancellationToken cancellation)
    {
        var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
        if (current is { Lease.Holder.Length: > 0 } && current.Value.Lease.Holder != options.Node && current.Value.ETag != silent)
            return null;
        if (!options.Snapshots && !Directory.Exists(aof.Folder))
            throw new IOException(
                $"{aof.Folder} is not a directory: no server with an append-only file runs on it (DATA_DIR, APPEND_DIR_NAME)");
        await using var watch = await NodeWatch.StartAsync(node, time, cancellation).ConfigureAwait(false);
        // Before the lease is taken: nothing is left in the store.
        if (watch.Standing == NodeStanding.Down)
            throw new IOException(
                $"no server listens at {node.Server} (REDIS_HOST, REDIS_PORT): the files of one that is down may be older than the group's "
                + "data");
        if (options is { Snapshots: true, Rewrite: true } && watch.CurrentUntil == DateTimeOffset.UnixEpoch)
            throw new IOException("the server beside this tool is not up, or not in sync: it can't be asked for a snapshot");
        // What goes on behind a hole can't be restored.
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        var review = await StoreReview.WalkAsync(store, catalogue, options.Retention, time.GetUtcNow(), cancellation).ConfigureAwait(false);
        if (await HeldLease.TryTakeAsync(store, options, time, current, cancellation).ConfigureAwait(false) is not { } held) return null;
        await ProveAsync(held, cancellation).ConfigureAwait(false);
        using var shipment = Open(held.Session);
        var own = silent is null && review.Severed(held.OwnGeneration) is null ? held.OwnGeneration : 0;
        await shipment.BeginAsync(own, held.Reached, cancellation).ConfigureAwait(false);
        shipment.WantNow();
        var started = time.GetTimestamp();
        BackupManifest? done = null;
        while (done is null)
        {
            shipment.Look();
            await shipment.FlushAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
            done = await shipment.TickAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
            if (done is null && shipment.WaitsFor is { } what && time.GetElapsedTime(started) >= wait)
                throw await GiveUpAsync(held, shipment, wait, what, cancellation).ConfigureAwait(false);
            if (done is null && held.IsDue) await held.RenewAsync(shipment, cancellation).ConfigureAwait(false);
            if (done is null) await PauseAsync(OnceLook, cancellation).ConfigureAwait(false);
        }

        await held.ReleaseAsync(shipment, cancellation).ConfigureAwait(false);
        return done;
    }

    // Once a start: what a store keeps changes with its version, not by the minute.
    private async Task ProveAsync(HeldLease held, CancellationToken cancellation)
    {
        if (_isProved) return;
        await held.ProveConditionsAsync(cancellation).ConfigureAwait(false);
        _isProved = true;
        _unfit.Succeeded();
    }

    private static async Task<IOException> GiveUpAsync(
        HeldLease held, IShipment shipment, TimeSpan wait, string what, CancellationToken cancellation)
    {
        await held.ReleaseAsync(shipment, cancellation).ConfigureAwait(false);
        // What was asked for; some milliseconds of it were over before this began.
        return new IOException($"no backup within {DurationText.Of(TimeSpan.FromSeconds(Math.Ceiling(wait.TotalSeconds)))}: {what}");
    }

    private IShipment Open(long session) => options.Snapshots
        ? new SnapshotShipment(store, aof, node, options, Counters, session, time)
        : new StreamShipment(store, aof, node, options, Counters, session, time);

    private async Task HoldAsync(HeldLease held, CancellationToken cancellation)
    {
        await using var watch = await NodeWatch.StartAsync(node, time, cancellation).ConfigureAwait(false);
        using var shipment = Open(held.Session);
        var began = await shipment.BeginAsync(_fresh ? 0 : held.OwnGeneration, held.Reached, cancellation).ConfigureAwait(false);
        _fresh = false;
        log.Info(began is null ? "resumed" : "generation_begun", began?.Reason ?? "the stream goes on where it was",
            LogField.Of("generation", shipment.Generation), LogField.Of("position", shipment.Place));
        Counters.Hold(shipment.Generation);
        using var chain = new ChainWatch(store, options, Counters, log, time);
        await new UploadTurn(chain, held, shipment, watch, options, Counters, log, _failing, time)
            .RunAsync(cancellation).ConfigureAwait(false);
    }

    // A pause is a step, however long.
    private async Task PauseAsync(TimeSpan delay, CancellationToken cancellation)
    {
        for (var left = delay; left > TimeSpan.Zero; left -= LongestPause)
        {
            Counters.SteppedAt = time.GetTimestamp();
            await Task.Delay(left < LongestPause ? left : LongestPause, time, cancellation).ConfigureAwait(false);
        }
    }
}
