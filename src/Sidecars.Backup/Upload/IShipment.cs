using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Tail;

namespace Sidecars.Backup.Upload;

/// <summary>
/// What one holder of the lease ships: a stream with bases (<see cref="StreamShipment"/>), or snapshots (<see cref="SnapshotShipment"/>).
/// </summary>
internal interface IShipment : IDisposable
{
    /// <summary>Being written.</summary>
    long Generation { get; }

    /// <summary>How far the tail is in the store; null: there is none.</summary>
    ChainMark? Tip { get; }

    /// <summary>How far it is, for logs.</summary>
    string Place { get; }

    /// <summary>What the next backup waits for, for a person; null where nothing of another's holds it up.</summary>
    string? WaitsFor { get; }

    /// <summary>
    /// What the server said when it was asked for what the next backup needs; null where it took the request, or was not asked.
    /// </summary>
    string? Refusal { get; }

    /// <summary>All that the group acknowledged up to this time is in the store; by the node's clock.</summary>
    DateTimeOffset CoveredUntil { get; }

    /// <summary>Goes on with a generation of this node (0: there is none), or begins one.</summary>
    /// <param name="previous">That generation.</param>
    /// <param name="reached">How far the tail of the last generation, of whatever node, was known to be; null: not known.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why a new one was begun; null where it goes on.</returns>
    Task<TailDecision.NewGeneration?> BeginAsync(long previous, ChainMark? reached, CancellationToken cancellation);

    /// <summary>Finds out when the last backup was taken; gives what is listed.</summary>
    Task<Catalogue> LoadLastAsync(CancellationToken cancellation);

    /// <summary>So many bytes of the tail lie in the store since the last backup.</summary>
    void KnowTail(long bytes);

    /// <summary>Sees what came and went on disk; cheap, and often.</summary>
    /// <exception cref="GenerationEndedException">It cannot go on.</exception>
    void Look();

    /// <summary>Ships what there is of the stream.</summary>
    /// <param name="currentUntil">See <see cref="NodeWatch.CurrentUntil"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    Task FlushAsync(DateTimeOffset currentUntil, CancellationToken cancellation);

    /// <summary>Somebody asked for a backup newer than this.</summary>
    void Wanted(DateTimeOffset? since);

    /// <summary>A backup is due at once, of what there is: nothing is asked of a server that may be down.</summary>
    void WantNow();

    /// <summary>One step towards the next backup, right after a flush.</summary>
    /// <returns>One that is complete now; else null.</returns>
    Task<BackupManifest?> TickAsync(DateTimeOffset currentUntil, CancellationToken cancellation);

    /// <summary>Ships what is left of a stream that has ended.</summary>
    Task ShipRestAsync(CancellationToken cancellation);
}

/// <summary>The tail of an AOF, and bases beside it.</summary>
internal sealed class StreamShipment(
    BackupStore store, AofDirectory aof, NodeFacts node, UploaderOptions options, UploadCounters counters, long session, TimeProvider time)
    : IShipment
{
    private readonly UploadSession _session = new(store, aof, options, counters, session, time);
    private readonly BaseSchedule _bases = new(store, aof, node, options, time);

    public long Generation => _session.Generation;

    public ChainMark? Tip => _session.Digest == ChainDigest.Start ? null : new ChainMark(Generation, _session.Position, _session.Digest);

    public string Place => _session.Position.ToString();

    public string? WaitsFor => _bases.WaitsFor;

    public string? Refusal => _bases.Refusal;

    public DateTimeOffset CoveredUntil => _session.CoveredUntil;

    public async Task<TailDecision.NewGeneration?> BeginAsync(long previous, ChainMark? reached, CancellationToken cancellation)
    {
        var fresh = await _session.BeginAsync(previous, cancellation).ConfigureAwait(false);
        if (fresh is null) return null;
        // The lease knows it as of its last renewal.
        _bases.Before = reached is null ? null : await store.FindEndAsync(reached, cancellation).ConfigureAwait(false);
        _bases.Begin();
        return fresh;
    }

    public Task<Catalogue> LoadLastAsync(CancellationToken cancellation) => _bases.LoadLastAsync(Generation, cancellation);

    public void KnowTail(long bytes) => _bases.KnowTail(bytes, _session);

    public void Look() => _session.Look();

    public Task FlushAsync(DateTimeOffset currentUntil, CancellationToken cancellation) => _session.FlushAsync(currentUntil, cancellation);

    public void Wanted(DateTimeOffset? since) => _bases.Wanted(since);

    public void WantNow() => _bases.Begin();

    public Task<BackupManifest?> TickAsync(DateTimeOffset currentUntil, CancellationToken cancellation) =>
        _bases.TickAsync(_session, currentUntil, cancellation);

    public Task ShipRestAsync(CancellationToken cancellation) => _session.ShipRestAsync(cancellation);

    public void Dispose()
    {
        _bases.Dispose();
        _session.Dispose();
    }
}
