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
    private long _learnt;
    private string _told = "";
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
                if (await AcquireAsync(cancellation).ConfigureAwait(false) is { } held) await HoldAsync(held, () => failures = 0, cancellation).ConfigureAwait(false);
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
        var lease = Taken(current?.Lease);
        if (await store.WriteLeaseAsync(lease, current?.ETag, cancellation).ConfigureAwait(false) is not { } etag) return null;
        var held = new HeldLease(lease, etag);
        using var session = new UploadSession(store, aof, options, Counters, lease.Session, time);
        await session.BeginAsync(Own(lease), cancellation).ConfigureAwait(false);
        await session.FlushAsync(cancellation).ConfigureAwait(false);
        BackupManifest? done = null;
        using var bases = new BaseSchedule(store, aof, node, options, time, wanted: true);
        while (done is null)
        {
            session.Look();
            await session.FlushAsync(cancellation).ConfigureAwait(false);
            done = await bases.TickAsync(session, cancellation).ConfigureAwait(false);
            if (done is null) await PauseAsync(options.Look, cancellation).ConfigureAwait(false);
        }

        await RenewAsync(held, session, release: true, cancellation).ConfigureAwait(false);
        return done;
    }

    private UploaderLease Taken(UploaderLease? before) =>
        new(options.Node, (before?.Session ?? 0) + 1, before?.Generation ?? 0, 0, before?.CoveredUntil ?? DateTimeOffset.UnixEpoch) { Writer = before?.Writer ?? "", BaseWanted = before?.BaseWanted };

    /// <summary>The generation that this node may go on with; 0 for none.</summary>
    private long Own(UploaderLease lease) => lease.Writer == options.Node ? lease.Generation : 0;

    private async Task<HeldLease?> AcquireAsync(CancellationToken cancellation)
    {
        string? seen = null;
        for (var since = time.GetTimestamp(); ;)
        {
            Counters.SteppedAt = time.GetTimestamp();
            var standing = await node.LookAsync(cancellation).ConfigureAwait(false);
            var current = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            if (seen != (current?.ETag ?? "")) (seen, since) = (current?.ETag ?? "", time.GetTimestamp());
            var decision = UploaderPolicy.Decide(options.Node, standing.Standing, current?.Lease, time.GetElapsedTime(since), options.LeaseLife);
            if (decision.Take)
            {
                var lease = Taken(current?.Lease);
                if (await store.WriteLeaseAsync(lease, current?.ETag, cancellation).ConfigureAwait(false) is not { } etag) continue; // another was faster
                log.Info("lease_taken", decision.Reason, LogField.Of("session", lease.Session), LogField.Of("generation", lease.Generation));
                _told = "";
                return new HeldLease(lease, etag);
            }

            if (_told != decision.Code) log.Info("waiting", decision.Reason, LogField.Of("code", decision.Code));
            _told = decision.Code;
            // A node whose server is only starting looks soon again; the store is asked a tenth of a lease's life apart.
            var pause = decision.Code is "server_unknown" or "not_in_sync" ? TimeSpan.FromSeconds(1) : options.LeaseLife / 10;
            await PauseAsync(pause, cancellation).ConfigureAwait(false);
        }
    }

    private async Task HoldAsync(HeldLease held, Action onSuccess, CancellationToken cancellation)
    {
        using var session = new UploadSession(store, aof, options, Counters, held.Lease.Session, time);
        var began = await session.BeginAsync(_fresh ? 0 : Own(held.Lease), cancellation).ConfigureAwait(false);
        _fresh = false;
        log.Info(began is null ? "resumed" : "generation_begun", began?.Reason ?? "the stream goes on where it was", LogField.Of("generation", session.Generation), LogField.Of("position", session.Position.ToString()));
        Counters.Hold(session.Generation);
        using var bases = new BaseSchedule(store, aof, node, options, time, wanted: began is not null);
        await RenewAsync(held, session, release: false, cancellation).ConfigureAwait(false);
        await LearnAsync(bases, session, cancellation).ConfigureAwait(false);
        long? flushed = null;
        for (var failures = 0; ;)
        {
            try
            {
                Counters.SteppedAt = time.GetTimestamp();
                session.Look();
                if (flushed is null || time.GetElapsedTime(flushed.Value) >= options.Flush)
                {
                    flushed = time.GetTimestamp();
                    await session.FlushAsync(cancellation).ConfigureAwait(false);
                    bases.Wanted(held.Lease.BaseWanted);
                    if (await bases.TickAsync(session, cancellation).ConfigureAwait(false) is { } done)
                    {
                        Counters.Bases++;
                        log.Info("backup_completed", $"backup {done.Id}", LogField.Of("id", done.Id), LogField.Of("generation", done.Generation), LogField.Of("base_bytes", done.Base?.Length ?? 0));
                    }
                }

                if (time.GetElapsedTime(_learnt) >= LearnEvery) await LearnAsync(bases, session, cancellation).ConfigureAwait(false);
                if (time.GetElapsedTime(held.RenewedAt) >= options.Renew) await RenewAsync(held, session, release: false, cancellation).ConfigureAwait(false);
                if (failures > 0) log.Info("recovered", $"the store answers again after {failures} failures");
                failures = 0;
                onSuccess();
                await PauseAsync(options.Look, cancellation).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.Failure is StoreFailure.Unavailable or StoreFailure.Denied)
            {
                // The files stay open: nothing is lost while the store is away, up to the bound that FlushAsync keeps.
                Counters.Fail(e);
                if (failures++ % 20 == 0) log.Warning("store_failed", e.Message, LogField.Of("failures", failures), LogField.Of("pending_bytes", Counters.PendingBytes));
                await KeepLookingAsync(session, Backoff.DelayAfter(failures, Next()), cancellation).ConfigureAwait(false);
            }
            catch (GenerationEndedException e) when (e.Code != "too_far_behind")
            {
                await ShipRestAsync(session, cancellation).ConfigureAwait(false);
                throw;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                await DrainAsync(held, session).ConfigureAwait(false);
                return;
            }
        }
    }

    // What a drill found is news from another process.
    private async Task LearnAsync(BaseSchedule bases, UploadSession session, CancellationToken cancellation)
    {
        _learnt = time.GetTimestamp();
        Counters.Know(await bases.LoadLastAsync(session.Generation, cancellation).ConfigureAwait(false));
    }

    private async Task KeepLookingAsync(UploadSession session, TimeSpan delay, CancellationToken cancellation)
    {
        for (var started = time.GetTimestamp(); time.GetElapsedTime(started) < delay && !cancellation.IsCancellationRequested;)
        {
            Counters.SteppedAt = time.GetTimestamp();
            session.Look(); // a rewrite must not take a file away meanwhile
            await PauseAsync(options.Look, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The stream has ended; what was written of it before is worth a try, no more.</summary>
    private async Task ShipRestAsync(UploadSession session, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var after = time.CreateTimer(state => ((CancellationTokenSource)state!).Cancel(), limit, options.DrainLimit, Timeout.InfiniteTimeSpan);
        try
        {
            await session.ShipRestAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or GenerationEndedException)
        {
            log.Warning("rest_not_shipped", e.Message, LogField.Of("pending_bytes", Counters.PendingBytes));
        }
    }

    private async Task DrainAsync(HeldLease held, UploadSession session)
    {
        using var limit = new CancellationTokenSource(options.DrainLimit, time);
        try
        {
            session.Look();
            await session.FlushAsync(limit.Token).ConfigureAwait(false);
            await RenewAsync(held, session, release: false, limit.Token).ConfigureAwait(false);
            log.Info("drained", "all that was written is in the store", LogField.Of("position", session.Position.ToString()));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or GenerationEndedException)
        {
            log.Warning("not_drained", e.Message, LogField.Of("pending_bytes", Counters.PendingBytes));
        }
    }

    /// <summary>Writes the lease; adopts a request that <c>now</c> has put into it.</summary>
    /// <exception cref="IOException">Another node has it.</exception>
    private async Task RenewAsync(HeldLease held, UploadSession session, bool release, CancellationToken cancellation)
    {
        for (var tries = 0; tries < 5; tries++)
        {
            var lease = held.Lease with
            {
                Holder = release ? "" : options.Node,
                Generation = session.Generation,
                Writer = options.Node,
                Beat = held.Lease.Beat + 1,
                CoveredUntil = session.CoveredUntil > held.Lease.CoveredUntil ? session.CoveredUntil : held.Lease.CoveredUntil,
            };
            if (await store.WriteLeaseAsync(lease, held.ETag, cancellation).ConfigureAwait(false) is { } etag)
            {
                (held.Lease, held.ETag, held.RenewedAt) = (lease, etag, time.GetTimestamp());
                return;
            }

            var now = await store.ReadLeaseAsync(cancellation).ConfigureAwait(false);
            if (now is not { } other || other.Lease.Session != held.Lease.Session || other.Lease.Holder != options.Node) break;
            (held.Lease, held.ETag) = (other.Lease, other.ETag);
        }

        throw new IOException("the uploader's lease was taken by another node");
    }

    private double Next()
    {
        lock (random) return random.NextDouble();
    }

    private Task PauseAsync(TimeSpan delay, CancellationToken cancellation) => Task.Delay(delay, time, cancellation);

    // Not given back at the end: after a restart this node takes it up at once, and others wait for its life.
    private sealed class HeldLease(UploaderLease lease, string etag)
    {
        public UploaderLease Lease { get; set; } = lease;

        public string ETag { get; set; } = etag;

        public long RenewedAt { get; set; }
    }
}
