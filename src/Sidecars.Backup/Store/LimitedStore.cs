namespace Sidecars.Backup.Store;

/// <summary>
/// Bounds what all uploads together send, so that backups leave the network to replication. Downloads are not bounded: a restore is what
/// one waits for.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="bytesPerSecond">The bound, more than zero; bursts are a quarter of a second's worth.</param>
/// <param name="time">Clock.</param>
public sealed class LimitedStore(IObjectStore inner, long bytesPerSecond, TimeProvider time) : IObjectStore
{
    private readonly UploadLimit _limit = new(bytesPerSecond, time);

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation) =>
        inner.PutAsync(key, new Limited(content, _limit), condition, cancellation);

    /// <inheritdoc/>
    public Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation) => inner.OpenAsync(key, cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, string? startAfter, CancellationToken cancellation) =>
        inner.ListAsync(prefix, startAfter, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation) =>
        inner.ListFoldersAsync(prefix, cancellation);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellation) => inner.DeleteAsync(key, cancellation);

    /// <inheritdoc/>
    public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
        inner.RemoveUnfinishedAsync(prefix, before, dryRun, cancellation);

    private sealed class Limited(ObjectContent content, UploadLimit limit) : ObjectContent
    {
        public override long Length => content.Length;

        public override Stream Open() => new LimitedStream(content.Open(), content.Length, limit);

        public override ObjectContent Slice(long offset, long length) => new Limited(content.Slice(offset, length), limit);
    }

    private sealed class LimitedStream(Stream stream, long length, UploadLimit limit) : ReadOnlyStream(length)
    {
        // Small reads, or one of the whole burst would be sent at once.
        private const int MaxRead = 64 * 1024;

        // For a digest: nothing is sent.
        protected override int ReadAt(Span<byte> buffer, long position)
        {
            stream.Position = position;
            return stream.Read(buffer);
        }

        protected override async ValueTask<int> ReadAtAsync(Memory<byte> buffer, long position, CancellationToken cancellation)
        {
            stream.Position = position;
            var read = await stream.ReadAsync(buffer[..Math.Min(buffer.Length, MaxRead)], cancellation).ConfigureAwait(false);
            if (limit.Take(read) is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, limit.Time, cancellation).ConfigureAwait(false);
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) stream.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>A bucket of bytes that fills at a steady rate. Thread-safe.</summary>
internal sealed class UploadLimit(long bytesPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly double _burst = bytesPerSecond / 4.0;
    private double _level = bytesPerSecond / 4.0;
    private long _at = time.GetTimestamp();

    public TimeProvider Time => time;

    /// <summary>Takes bytes out, also more than are in.</summary>
    /// <returns>How long to wait until it is no longer in debt; zero or less: not at all.</returns>
    public TimeSpan Take(int bytes)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _level = Math.Min(_burst, _level + (time.GetElapsedTime(_at, now).TotalSeconds * bytesPerSecond)) - bytes;
            _at = now;
            return TimeSpan.FromSeconds(Math.Max(0, -_level / bytesPerSecond));
        }
    }
}
