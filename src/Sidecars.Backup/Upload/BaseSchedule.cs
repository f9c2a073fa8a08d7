using Sidecars.Backup.Archive;
using Sidecars.Backup.Base;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Tail;

namespace Sidecars.Backup.Upload;

/// <summary>Takes bases when they are due: at the beginning of a generation, every so often, and on request.</summary>
internal sealed class BaseSchedule(BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, TimeProvider time)
    : IDisposable
{
    // A rewrite of tens of gigabytes takes minutes; a server that does not come to an end, or refuses, gives what it has.
    private static readonly TimeSpan RewriteLimit = TimeSpan.FromMinutes(30);
    private readonly BaseClock _clock = new(options.BaseInterval, time);
    private bool _first; // the base of a new generation is taken as it is: until it is there, nothing is listed
    private (long Sequence, long Since)? _rewrite;
    private bool _taken;
    private BaseUpload? _upload;
    private long _begunAt;
    private long? _baseBytes; // of the last base; null: not known
    private long _tailBefore; // bytes of the tail since then that an earlier session shipped
    private long _tailFrom; // what this session had shipped where that base starts

    /// <summary>See <see cref="IShipment.WaitsFor"/>.</summary>
    public string? WaitsFor => _upload is not null ? null
        : Refusal is { } why ? $"BGREWRITEAOF is refused: {why}"
        : _taken ? "BGREWRITEAOF has not come to an end"
        : "the tail has not come to the start of a base";

    /// <summary>See <see cref="IShipment.Refusal"/>: of the rewrite.</summary>
    public string? Refusal { get; private set; }

    /// <summary>See <see cref="BackupManifest.Before"/>.</summary>
    public ChainMark? Before { get; set; }

    /// <summary>Records that a generation begins.</summary>
    public void Begin()
    {
        _clock.Want();
        _first = true;
    }

    /// <summary>Finds out when the last backup of a generation was taken; gives what is listed.</summary>
    public async Task<Catalogue> LoadLastAsync(long generation, CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        var own = catalogue.Backups.Where(b => b.Manifest.Generation == generation && b.BaseProblem is null).ToList();
        if (own.MaxBy(b => b.Manifest.CompletedAt) is not { Manifest: var last }) Begin();
        else
        {
            _clock.Know(last.CompletedAt);
            _baseBytes ??= last.Base?.Length ?? 0;
        }

        return catalogue;
    }

    /// <summary>An earlier session has shipped so many bytes since the last base.</summary>
    public void KnowTail(long bytes, UploadSession session) => _tailBefore = Math.Max(_tailBefore, bytes - session.Shipped);

    /// <summary>Records a request for a base newer than this.</summary>
    public void Wanted(DateTimeOffset? since)
    {
        if (_upload is null) _clock.Wanted(since);
    }

    /// <summary>Runs one step, right after a flush.</summary>
    /// <returns>A backup that is complete now; else null.</returns>
    /// <exception cref="IOException">It failed, and is tried again at the next step.</exception>
    public async Task<BackupManifest?> TickAsync(UploadSession session, DateTimeOffset currentUntil, CancellationToken cancellation)
    {
        if (_upload is { File.IsCompleted: true } ready)
            return await CompleteAsync(ready, session, currentUntil, cancellation).ConfigureAwait(false);
        if (_upload is not null) return null;
        if (!_clock.IsDue && !IsOutgrown(session)) return null;
        if (!_first && options.Rewrite && !await IsRewrittenAsync(cancellation).ConfigureAwait(false)) return null;
        var pinned = aof.PinBase();
        if (session.DigestAt(pinned.Start) is not { } digest)
        {
            pinned.Dispose(); // the tail has not come that far: at the next step
            if (session.Position.Sequence < pinned.Start.Sequence) return null;
            _first = false; // resumed within a file whose beginning is not known here: only a rewrite helps
            if (options.Rewrite) return null;
            throw new GenerationEndedException("start_unknown", "the digest at the start of the base is not known");
        }

        var id = BackupLayout.BaseId(time.GetUtcNow(), session.Session);
        _upload = BaseUpload.Begin(
            store, pinned, new BaseOrigin(id, options.Node, session.Generation, IsSnapshot: false, Before), digest, cancellation);
        _begunAt = session.Shipped - (session.Position.Sequence == pinned.Start.Sequence ? session.Position.Offset : 0);
        return null;
    }

    /// <summary>Stops an upload.</summary>
    public void Dispose() => _upload?.Dispose();

    private bool IsOutgrown(UploadSession session) =>
        _baseBytes is { } bytes && BasePolicy.IsOutgrown(bytes, _tailBefore + session.Shipped - _tailFrom, _clock.SinceLast, options);

    private async Task<bool> IsRewrittenAsync(CancellationToken cancellation)
    {
        var manifest = aof.ReadManifest();
        if (!manifest.IsKnown) return false;
        var sequence = manifest.Value.Base?.Sequence ?? 0;
        var asked = _rewrite ??= (sequence, time.GetTimestamp());
        // Refused, it is asked for again at the next step; one that ended meanwhile serves as well.
        if (!_taken) _taken = (Refusal = await node.RewriteAsync(cancellation).ConfigureAwait(false)) is null;
        return sequence != asked.Sequence || time.GetElapsedTime(asked.Since) > RewriteLimit;
    }

    private async Task<BackupManifest> CompleteAsync(
        BaseUpload upload, UploadSession session, DateTimeOffset currentUntil, CancellationToken cancellation)
    {
        try
        {
            await upload.File.ConfigureAwait(false);
        }
        catch
        {
            _upload = null;
            upload.Dispose();
            throw;
        }

        var before = await node.LookAsync(cancellation).ConfigureAwait(false);
        await session.FlushAsync(currentUntil, cancellation).ConfigureAwait(false);
        var after = await node.LookAsync(cancellation).ConfigureAwait(false);
        var tip = session.Position > upload.Start
            ? new TailTip(session.Position, session.Digest, session.CoveredUntil)
            : new TailTip(upload.Start, upload.StartDigest, session.CoveredUntil);
        var manifest = await upload.CompleteAsync(tip, before, after, time.GetUtcNow(), cancellation).ConfigureAwait(false);
        (_upload, _first, _rewrite, Refusal, _taken) = (null, false, null, null, false);
        (_baseBytes, _tailBefore, _tailFrom) = (manifest.Base?.Length ?? 0, 0, _begunAt);
        _clock.Completed(manifest.CompletedAt);
        upload.Dispose();
        return manifest;
    }
}
