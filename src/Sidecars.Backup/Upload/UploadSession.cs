using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;
using Sidecars.Core.Lineage;

namespace Sidecars.Backup.Upload;

/// <summary>The stream of this generation cannot go on; the next one begins with a base.</summary>
public sealed class GenerationEndedException(string code, string message) : Exception(message)
{
    /// <summary>For machines.</summary>
    public string Code { get; } = code;
}

/// <summary>
/// One generation, or its continuation, by one holder of the lease: ships the tail in order, one segment after the other, and bases beside
/// it.
/// </summary>
public sealed class UploadSession : IDisposable
{
    // While much waits, larger objects: fewer requests, and a slow store is caught up with.
    private const long CatchUpSegmentBytes = 32 << 20;

    // Redis may keep what it has acknowledged in memory while an fsync is under way, for up to 2 s (flushAppendOnlyFile in aof.c).
    private static readonly TimeSpan AofBuffer = TimeSpan.FromSeconds(2);

    private readonly BackupStore _store;
    private readonly AofDirectory _aof;
    private readonly UploaderOptions _options;
    private readonly UploadCounters _counters;
    private readonly TimeProvider _time;
    private readonly AppendDirectoryWatch _watch;
    private readonly TailReader _reader;
    private readonly Dictionary<long, ChainDigest> _startDigests = [];

    /// <summary>Opens what it needs; call <see cref="BeginAsync"/> next.</summary>
    /// <exception cref="IOException">The AOF directory is not there.</exception>
    public UploadSession(
        BackupStore store, AofDirectory aof, UploaderOptions options, UploadCounters counters, long session, TimeProvider time)
    {
        (_store, _aof, _options, _counters, _time, Session) = (store, aof, options, counters, time, session);
        _watch = AppendDirectoryWatch.Open(aof.Folder, aof.Layout.AppendFile); // before the first look: nothing happens unseen in between
        _reader = new TailReader(aof, session, store.Hash);
    }

    /// <summary>Of the lease.</summary>
    public long Session { get; }

    /// <summary>Being written.</summary>
    public long Generation { get; private set; }

    /// <summary>Where the tail is.</summary>
    public StreamPosition Position => _reader.Position;

    /// <summary>Of the chain there.</summary>
    public ChainDigest Digest => _reader.Digest;

    /// <summary>Bytes shipped by this session.</summary>
    public long Shipped { get; private set; }

    /// <summary>All that the group acknowledged up to this time is in the store; by the node's clock.</summary>
    public DateTimeOffset CoveredUntil { get; private set; }

    /// <summary>Goes on with a generation where that is proven to be the same stream, else begins a new one.</summary>
    /// <param name="previous">Generation that the lease names; 0 to begin a new one.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why a new one was begun; null where it goes on.</returns>
    public async Task<TailDecision.NewGeneration?> BeginAsync(long previous, CancellationToken cancellation)
    {
        var manifest = _aof.ReadManifest();
        if (!manifest.IsKnown) throw new IOException($"{_aof.Layout.ManifestFile}: {manifest}");
        if (_aof.IsBehindServer) throw new IOException("the AOF does not hold the server's dataset yet: its first rewrite has not ended");
        var found = await new StreamTip(_store, _aof).FindAsync(previous, manifest.Value, cancellation).ConfigureAwait(false);
        if (found.Tip is { } tip)
        {
            Generation = previous;
            _reader.Begin(tip.To, tip.Digest, tip.Time);
            if (found.FileStart is { } digest) _startDigests[tip.Sequence] = digest;
            foreach (var file in manifest.Value.Increments.Where(f => f.Sequence >= tip.Sequence)) Add(file);
            return null;
        }

        Generation = Session;
        _counters.Generations++;
        if (manifest.Value.Increments.Count == 0) throw new IOException($"{_aof.Layout.ManifestFile} names no increment file");
        _reader.Begin(new StreamPosition(manifest.Value.Increments[0].Sequence, 0), ChainDigest.Start, 0);
        _startDigests[manifest.Value.Increments[0].Sequence] = ChainDigest.Start;
        foreach (var file in manifest.Value.Increments) Add(file);
        return found.Fresh;
    }

    /// <summary>Opens files that have come; must be called often enough that none comes and goes in between.</summary>
    /// <exception cref="GenerationEndedException">The stream ends.</exception>
    public void Look()
    {
        var manifest = _aof.ReadManifest();
        _watch.Drain(); // after the manifest: what it names has happened
        if (_aof.IsBehindServer)
            throw new GenerationEndedException("dataset_replaced", "the server writes to a new AOF that is not complete yet");
        if (!manifest.IsKnown) return; // torn or gone for the moment: what is open stays open
        switch (TailPolicy.Decide(_reader.LastSequence, manifest.Value, _watch.OriginOf))
        {
            case TailDecision.NewGeneration end: throw new GenerationEndedException(end.Code, end.Reason);
            case TailDecision.Continue go:
                foreach (var file in go.Next) Add(file);
                break;
        }

        _watch.Forget(_reader.LastSequence);
        _counters.PendingBytes = _reader.Pending;
    }

    /// <summary>Ships all whole commands that are on disk as it begins, and goes on looking while the store takes its time.</summary>
    /// <param name="currentUntil">
    /// The server is known to have had, up to this time, what the group acknowledged: nothing later is claimed.
    /// </param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="GenerationEndedException">The stream ends.</exception>
    /// <exception cref="StoreException">The store did not take a segment; call again.</exception>
    public async Task FlushAsync(DateTimeOffset currentUntil, CancellationToken cancellation)
    {
        var covered = _time.GetUtcNow() - AofBuffer;
        if (covered > currentUntil) covered = currentUntil;
        var until = _reader.End; // what comes meanwhile is the next flush's: else each would go on in ever smaller segments, a request each
        while (NextSegment(until) is { } segment)
        {
            await WhileLookingAsync(ShipAsync(segment, cancellation), cancellation).ConfigureAwait(false);
            Look();
        }

        if (covered > CoveredUntil) CoveredUntil = covered;
        _counters.CoveredUntilMilliseconds = CoveredUntil.ToUnixTimeMilliseconds();
        _counters.PendingBytes = _reader.Pending;
    }

    /// <summary>Ships what is in the files that are open, after the stream has ended: it belongs to it all the same.</summary>
    /// <exception cref="GenerationEndedException">The files are not what they should be.</exception>
    /// <exception cref="StoreException">The store did not take a segment.</exception>
    public async Task ShipRestAsync(CancellationToken cancellation)
    {
        var until = _reader.End;
        while (NextSegment(until) is { } segment) await ShipAsync(segment, cancellation).ConfigureAwait(false);
    }

    /// <summary>The digest at the start of a file of this generation; null where it was never known here.</summary>
    public ChainDigest? DigestAt(StreamPosition start) =>
        start == Position ? Digest : start.Offset == 0 && _startDigests.TryGetValue(start.Sequence, out var digest) ? digest : null;

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _watch.Dispose();
        _reader.Dispose();
    }

    private TailSegment? NextSegment(StreamPosition until)
    {
        _counters.PendingBytes = _reader.Pending;
        if (_counters.PendingBytes > _options.MaxPendingBytes)
            throw new GenerationEndedException(
                "too_far_behind", $"{_counters.PendingBytes} bytes wait for the store, more than {_options.MaxPendingBytes}");
        try
        {
            return _reader.Next(_counters.PendingBytes > _options.SegmentBytes * 4
                ? Math.Max(_options.SegmentBytes, CatchUpSegmentBytes)
                : _options.SegmentBytes,
                until);
        }
        catch (InvalidDataException e)
        {
            throw new GenerationEndedException("stream_broken", e.Message);
        }
    }

    private async Task ShipAsync(TailSegment segment, CancellationToken cancellation)
    {
        var key = _store.Layout.Segment(Generation, segment.Name);
        // A name holds its content's digest: one that is there already is this one, from a try whose answer was lost.
        _ = await _store.Objects.PutAsync(key, segment.Content, PutCondition.Absent, cancellation).ConfigureAwait(false);
        if (segment.Name.Start == 0) _startDigests[segment.Name.Sequence] = _reader.Digest;
        _reader.Advance(segment.Name);
        _counters.Segments++;
        _counters.TailBytes += segment.Name.Length;
        Shipped += segment.Name.Length;
    }

    // A request may hang for its whole time-out, and two rewrites within it would take a file away unseen. What ends the stream is told
    // after the request, whose content must stay open until then.
    private async Task WhileLookingAsync(Task request, CancellationToken cancellation)
    {
        Exception? ended = null;
        while (ended is null && !cancellation.IsCancellationRequested)
        {
            await request.WaitAsync(_options.Look, _time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (request.IsCompleted || cancellation.IsCancellationRequested) break;
            try
            {
                Look();
            }
            catch (Exception e) when (e is GenerationEndedException or IOException)
            {
                ended = e;
            }
        }

        await request.ConfigureAwait(false);
        if (ended is not null) throw ended;
    }

    private void Add(AofManifestFile file)
    {
        if (!_reader.TryAdd(file)) throw new GenerationEndedException("increment_gone", $"{file.Name} was deleted before it was opened");
    }
}
