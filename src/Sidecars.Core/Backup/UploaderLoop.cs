using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Backup;

/// <summary>
/// Gets the lease, ships until it is lost or the stream ends, and begins again; whatever fails is tried again, and Redis never waits for
/// any of it. Ends only by cancellation, after a bounded drain.
/// </summary>
public sealed class UploaderLoop(BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, JsonLineLog log, TimeProvider time, Random random)
{
    private static readonly BackoffSchedule Backoff = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(15));
    private static readonly TimeSpan LearnEvery = TimeSpan.FromHours(1); // a few requests each
    private static readonly TimeSpan OnceLook = TimeSpan.FromMilliseconds(25); // somebody waits for it
    private readonly LeaseQueue _queue = new(store, node, options, log, time);
    private long _learnt;
    private bool _fresh;

    /// <summary>Counts.</summary>
    public UploadCounters Counters { get; } = new();

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        for (var failures = 0; !cancellation.IsCancellationRequested;)
        {
            try
            {
                var held = await _queue.TakeAsync(Counters, cancellation).ConfigureAwait(false);
                await HoldAsync(held, () => failures = 0, cancellation).ConfigureAwait(false);
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
                log.Warning("failed", e.Message, LogField.Of("failures", ++failures));
                await PauseAsync(Backoff.DelayAfter(failures, Next()), cancellation).ConfigureAwait(false);
            }
            finally
            {
                Counters.Release();
            }
        }
    }

    /// <summary>One base now, then ends: for a person or a CronJob, where nobody holds the lease.</summary>
    /// <returns>What was written; null where somebody else uploads.</returns>
    public async Task<BackupManifest?> BackUpOnceAsync(CancellationToken cancellation)
    {
        var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
        if (current is { Lease.Holder.Length: > 0 } && current.Value.Lease.Holder != options.Node) return null;
        await using var watch = await NodeWatch.StartAsync(node, time, cancellation).ConfigureAwait(false);
        if (options is { Snapshots: true, Rewrite: true } && watch.CurrentUntil == DateTimeOffset.UnixEpoch)
            throw new IOException("the server beside this tool is not up, or not in sync: it can't be asked for a snapshot");
        if (await HeldLease.TryTakeAsync(store, options, time, current, cancellation).ConfigureAwait(false) is not { } held) return null;
        using var shipment = Open(held.Session);
        await shipment.BeginAsync(held.OwnGeneration, cancellation).ConfigureAwait(false);
        shipment.WantNow();
        BackupManifest? done = null;
        while (done is null)
        {
            shipment.Look();
            await shipment.FlushAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
            done = await shipment.TickAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
            if (done is null) await PauseAsync(OnceLook, cancellation).ConfigureAwait(false);
        }

        await held.ReleaseAsync(shipment, cancellation).ConfigureAwait(false);
        return done;
    }

    private IShipment Open(long session) => options.Snapshots
        ? new SnapshotShipment(store, aof, node, options, Counters, session, time)
        : new StreamShipment(store, aof, node, options, Counters, session, time);

    private async Task HoldAsync(HeldLease held, Action onSuccess, CancellationToken cancellation)
    {
        await using var watch = await NodeWatch.StartAsync(node, time, cancellation).ConfigureAwait(false);
        using var shipment = Open(held.Session);
        var began = await shipment.BeginAsync(_fresh ? 0 : held.OwnGeneration, cancellation).ConfigureAwait(false);
        _fresh = false;
        log.Info(began is null ? "resumed" : "generation_begun", began?.Reason ?? "the stream goes on where it was", LogField.Of("generation", shipment.Generation), LogField.Of("position", shipment.Place));
        Counters.Hold(shipment.Generation);
        await held.RenewAsync(shipment, cancellation).ConfigureAwait(false);
        await LearnAsync(shipment, cancellation).ConfigureAwait(false);
        long? flushed = null;
        for (var failures = 0; ;)
        {
            try
            {
                Counters.SteppedAt = time.GetTimestamp();
                shipment.Look();
                if (flushed is null || time.GetElapsedTime(flushed.Value) >= options.Flush)
                {
                    flushed = time.GetTimestamp();
                    await FlushAsync(held, shipment, watch, cancellation).ConfigureAwait(false);
                }

                if (time.GetElapsedTime(_learnt) >= LearnEvery) await LearnAsync(shipment, cancellation).ConfigureAwait(false);
                if (held.IsDue) await held.RenewAsync(shipment, cancellation).ConfigureAwait(false);
                if (UploaderPolicy.GivesBack(watch.Standing, watch.OutOfSyncFor, options.OutOfSync))
                {
                    await held.ReleaseAsync(shipment, cancellation).ConfigureAwait(false);
                    log.Warning("lease_given_back", $"the server beside it is not up, or has no link to its master, for {watch.OutOfSyncFor.TotalSeconds:0} s", LogField.Of("session", held.Session));
                    return;
                }

                if (failures > 0) log.Info("recovered", $"the store answers again after {failures} failures");
                failures = 0;
                onSuccess();
                await PauseAsync(UntilNext(flushed.Value), cancellation).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Unavailable or StoreFailure.Denied)
            {
                // The files stay open: nothing is lost while the store is away, up to the bound that FlushAsync keeps.
                Counters.Fail(e);
                if (failures++ % 20 == 0) log.Warning("store_failed", e.Message, LogField.Of("failures", failures), LogField.Of("pending_bytes", Counters.PendingBytes));
                await KeepLookingAsync(shipment, Backoff.DelayAfter(failures, Next()), cancellation).ConfigureAwait(false);
            }
            catch (GenerationEndedException e) when (e.Code != "too_far_behind")
            {
                await ShipRestAsync(shipment, cancellation).ConfigureAwait(false);
                throw;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                await DrainAsync(held, shipment, watch).ConfigureAwait(false);
                return;
            }
        }
    }

    private async Task FlushAsync(HeldLease held, IShipment shipment, NodeWatch watch, CancellationToken cancellation)
    {
        await shipment.FlushAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
        shipment.Wanted(held.BaseWanted);
        if (await shipment.TickAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false) is not { } done) return;
        Counters.Bases++;
        log.Info("backup_completed", $"backup {done.Id}", LogField.Of("id", done.Id), LogField.Of("generation", done.Generation), LogField.Of("base_bytes", done.Base?.Length ?? 0));
    }

    // Until the next look, or the next flush where that is sooner: a flush that waits for a look comes late.
    private TimeSpan UntilNext(long flushed)
    {
        var left = options.Flush - time.GetElapsedTime(flushed);
        return left >= options.Look ? options.Look : left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
    }

    // What a drill found is news from another process.
    private async Task LearnAsync(IShipment shipment, CancellationToken cancellation)
    {
        _learnt = time.GetTimestamp();
        Counters.Know(await shipment.LoadLastAsync(cancellation).ConfigureAwait(false));
    }

    private async Task KeepLookingAsync(IShipment shipment, TimeSpan delay, CancellationToken cancellation)
    {
        for (var started = time.GetTimestamp(); time.GetElapsedTime(started) < delay && !cancellation.IsCancellationRequested;)
        {
            Counters.SteppedAt = time.GetTimestamp();
            shipment.Look(); // a rewrite must not take a file away meanwhile
            await PauseAsync(options.Look, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The stream has ended; what was written of it before is worth a try, no more.</summary>
    private async Task ShipRestAsync(IShipment shipment, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var after = time.CreateTimer(state => ((CancellationTokenSource)state!).Cancel(), limit, options.DrainLimit, Timeout.InfiniteTimeSpan);
        try
        {
            await shipment.ShipRestAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or GenerationEndedException)
        {
            log.Warning("rest_not_shipped", e.Message, LogField.Of("pending_bytes", Counters.PendingBytes));
        }
    }

    private async Task DrainAsync(HeldLease held, IShipment shipment, NodeWatch watch)
    {
        using var limit = new CancellationTokenSource(options.DrainLimit, time);
        try
        {
            shipment.Look();
            await shipment.FlushAsync(watch.CurrentUntil, limit.Token).ConfigureAwait(false);
            await held.RenewAsync(shipment, limit.Token).ConfigureAwait(false);
            log.Info("drained", "all that was written is in the store", LogField.Of("position", shipment.Place));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or GenerationEndedException)
        {
            log.Warning("not_drained", e.Message, LogField.Of("pending_bytes", Counters.PendingBytes));
        }
    }

    private double Next()
    {
        lock (random) return random.NextDouble();
    }

    private Task PauseAsync(TimeSpan delay, CancellationToken cancellation) => Task.Delay(delay, time, cancellation);
}
