using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Store;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Backup.Upload;

/// <summary>
/// One time with the lease: ships until it is lost or given back, or the stream ends. A store that fails is tried again, and the files stay
/// open meanwhile: nothing is lost while it is away, up to the bound that a flush keeps.
/// </summary>
/// <param name="chain">What lies in the store.</param>
/// <param name="held">The lease.</param>
/// <param name="shipment">Begun.</param>
/// <param name="watch">The server beside it.</param>
/// <param name="options">Settings.</param>
/// <param name="counters">Counts.</param>
/// <param name="log">What happened.</param>
/// <param name="failing">The pause after a failure of the store; it outlives this turn.</param>
/// <param name="time">Clock.</param>
internal sealed class UploadTurn(
    ChainWatch chain, HeldLease held, IShipment shipment, NodeWatch watch, UploaderOptions options, UploadCounters counters,
    JsonLineLog log,
    RetryPause failing, TimeProvider time)
{
    private static readonly TimeSpan LearnEvery = TimeSpan.FromHours(1); // a few requests each
    private long? _flushed;
    private long? _learnt;
    private Catalogue? _catalogue;
    private string? _refusal;

    /// <summary>Ships, to the end; what is left is shipped in a bounded time.</summary>
    /// <param name="cancellation">Drains, and ends it.</param>
    /// <exception cref="GenerationEndedException">The stream ends.</exception>
    /// <exception cref="IOException">The lease was taken by another node, or the server beside it failed.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        for (var failures = 0; ;)
        {
            try
            {
                if (!await StepAsync(cancellation).ConfigureAwait(false)) return;
                if (failures > 0) log.Info("recovered", $"the store answers again after {failures} failures");
                failures = 0;
                failing.Succeeded();
                await PauseAsync(UntilNext(), cancellation).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Unavailable or StoreFailure.Denied)
            {
                counters.Fail(e);
                _flushed = null; // the next step asks the store: one that does not would look like its return
                if (failures++ % 20 == 0)
                    log.Warning(
                        "store_failed", e.Message, LogField.Of("failures", failures), LogField.Of("pending_bytes", counters.PendingBytes));
                await KeepLookingAsync(failing.Failed(e.Asked), cancellation).ConfigureAwait(false);
            }
            catch (GenerationEndedException e) when (e.Code != "too_far_behind")
            {
                await ShipRestAsync(cancellation).ConfigureAwait(false);
                throw;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                await DrainAsync().ConfigureAwait(false);
                return;
            }
        }
    }

    /// <summary>False where the lease was given back.</summary>
    private async Task<bool> StepAsync(CancellationToken cancellation)
    {
        counters.SteppedAt = time.GetTimestamp();
        shipment.Look();
        if (_catalogue is null)
        {
            await held.RenewAsync(shipment, cancellation).ConfigureAwait(false);
            await LearnAsync(cancellation).ConfigureAwait(false);
        }

        if (_flushed is null || time.GetElapsedTime(_flushed.Value) >= options.Flush)
        {
            _flushed = time.GetTimestamp();
            await FlushAsync(cancellation).ConfigureAwait(false);
        }

        if (_learnt is null || time.GetElapsedTime(_learnt.Value) >= LearnEvery) await LearnAsync(cancellation).ConfigureAwait(false);
        await CheckAsync().ConfigureAwait(false);
        if (held.IsDue) await held.RenewAsync(shipment, cancellation).ConfigureAwait(false);
        if (!UploaderPolicy.GivesBack(watch.Standing, watch.OutOfSyncFor, options.OutOfSync)) return true;
        await held.ReleaseAsync(shipment, cancellation).ConfigureAwait(false);
        log.Warning(
            "lease_given_back",
            $"the server beside it is not up, or has no link to its master, for {DurationText.About(watch.OutOfSyncFor)}",
            LogField.Of("session", held.Session));
        return false;
    }

    private async Task FlushAsync(CancellationToken cancellation)
    {
        await shipment.FlushAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
        shipment.Wanted(held.BaseWanted);
        var done = await shipment.TickAsync(watch.CurrentUntil, cancellation).ConfigureAwait(false);
        if (shipment.Refusal is { } refusal)
        {
            counters.Fail("refused");
            // Once for each answer: a server may refuse for hours.
            if (refusal != _refusal) log.Warning("backup_waits", $"the next backup waits: {shipment.WaitsFor}");
        }

        _refusal = shipment.Refusal;
        if (done is null) return;
        counters.Bases++;
        _learnt = null;
        chain.Again();
        log.Info("backup_completed", $"backup {done.Id}", LogField.Of("id", done.Id), LogField.Of("generation", done.Generation),
            LogField.Of("base_bytes", done.Base?.Length ?? 0));
    }

    // Until the next look, or the next flush where that is sooner: a flush that waits for a look comes late.
    private TimeSpan UntilNext()
    {
        var left = options.Flush - time.GetElapsedTime(_flushed!.Value);
        return left >= options.Look ? options.Look : left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
    }

    // What a drill found is news from another process.
    private async Task LearnAsync(CancellationToken cancellation)
    {
        _catalogue = await shipment.LoadLastAsync(cancellation).ConfigureAwait(false);
        counters.Know(_catalogue);
        _learnt = time.GetTimestamp();
    }

    // Behind a hole nothing can be restored, however much is shipped: a new generation has a base of its own, and ships what the disk still
    // has.
    private async Task CheckAsync()
    {
        // What was stored since the last look is known here.
        var known = _catalogue!.Uploader is { } lease ? _catalogue with { Uploader = lease with { Tip = shipment.Tip } } : _catalogue;
        if (await chain.StepAsync(known).ConfigureAwait(false) is not { } review) return;
        if (review.Severed(shipment.Generation) is { } hole)
            throw new GenerationEndedException("chain_broken", $"{hole}: what was written since can't be restored");
        shipment.KnowTail(review.Tails.GetValueOrDefault(shipment.Generation));
    }

    private async Task KeepLookingAsync(TimeSpan delay, CancellationToken cancellation)
    {
        for (var started = time.GetTimestamp(); time.GetElapsedTime(started) < delay && !cancellation.IsCancellationRequested;)
        {
            counters.SteppedAt = time.GetTimestamp();
            shipment.Look(); // a rewrite must not take a file away meanwhile
            await PauseAsync(options.Look, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The stream has ended; what was written of it before is worth a try, no more.</summary>
    private async Task ShipRestAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var after = time.CreateTimer(
            state => ((CancellationTokenSource)state!).Cancel(), limit, options.DrainLimit, Timeout.InfiniteTimeSpan);
        try
        {
            await shipment.ShipRestAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or GenerationEndedException)
        {
            log.Warning("rest_not_shipped", e.Message, LogField.Of("pending_bytes", counters.PendingBytes));
        }
    }

    private async Task DrainAsync()
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
            log.Warning("not_drained", e.Message, LogField.Of("pending_bytes", counters.PendingBytes));
        }
    }

    private Task PauseAsync(TimeSpan delay, CancellationToken cancellation) => Task.Delay(delay, time, cancellation);
}
