using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Sidecars.Backup.Store.Encryption;

/// <summary>
/// Encrypts what holds data: bases and segments. Documents stay as they are; they hold names, times, counts and digests (which are keyed,
/// see
/// <see cref="ContentHash"/>). What was written before a key was configured is read as it is; what it should be is for the manifest's
/// digests to say.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="keys">The first encrypts.</param>
public sealed class EncryptedStore(IObjectStore inner, KeyRing keys) : IObjectStore
{
    /// <inheritdoc/>
    public string Description => $"{inner.Description}, encrypted with key {keys.Current.Id}";

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation) =>
        inner.PutAsync(key, IsDocument(key) ? content : new EncryptedContent(content, keys.Current, key), condition, cancellation);

    /// <inheritdoc/>
    public async Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation)
    {
        var download = await inner.OpenAsync(key, cancellation).ConfigureAwait(false);
        if (IsDocument(key)) return download;
        try
        {
            var header = new byte[ObjectCipher.HeaderBytes];
            var read = await download.Content.ReadAtLeastAsync(
                header, header.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            if (ObjectCipher.KeyId(header.AsSpan(0, read)) is not { } id)
                return download with { Content = new PrefixedStream(header.AsMemory(0, read), download.Content) };
            if (keys.Find(id) is not { } found)
                throw new StoreException(StoreFailure.Denied, key, $"is encrypted with key {id}; configured: {keys.Ids}");
            var length = ObjectCipher.PlainLength(download.Length)
                ?? throw new StoreException(StoreFailure.Damaged, key, "no encrypted object has its length");
            return download with
            { Content = new DecryptingStream(download.Content, ObjectCipher.Open(found, header, key), length, key), Length = length };
        }
        catch
        {
            download.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectEntry> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var entry in inner.ListAsync(prefix, startAfter, cancellation).ConfigureAwait(false)) yield return entry;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation) =>
        inner.ListFoldersAsync(prefix, cancellation);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellation) => inner.DeleteAsync(key, cancellation);

    /// <inheritdoc/>
    public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
        inner.RemoveUnfinishedAsync(prefix, before, dryRun, cancellation);

    private static bool IsDocument(string key) => key.EndsWith(".json", StringComparison.Ordinal);

    /// <summary>Bytes that were read already, and then the rest.</summary>
    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : ForwardStream(rest)
    {
        private ReadOnlyMemory<byte> _prefix = prefix;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_prefix.IsEmpty) return Inner.ReadAsync(buffer, cancellationToken);
            var count = Math.Min(buffer.Length, _prefix.Length);
            _prefix[..count].CopyTo(buffer);
            _prefix = _prefix[count..];
            return ValueTask.FromResult(count);
        }
    }

    private sealed class DecryptingStream(Stream stored, ObjectCipher cipher, long length, string key) : ForwardStream(stored)
    {
        private readonly byte[] _stored = new byte[ObjectCipher.ChunkBytes + ObjectCipher.TagBytes];
        private readonly byte[] _plain = new byte[ObjectCipher.ChunkBytes];
        private readonly long _chunks = ObjectCipher.Chunks(length);
        private long _next;
        private int _at;
        private int _end;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            // To the last chunk even where nothing is left to give: an empty one is a proof too.
            while (_at == _end && _next < _chunks) await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
            var count = Math.Min(buffer.Length, _end - _at);
            _plain.AsMemory(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) cipher.Dispose();
            base.Dispose(disposing);
        }

        private async Task ReadChunkAsync(CancellationToken cancellation)
        {
            var count = (int)Math.Min(ObjectCipher.ChunkBytes, length - (_next * ObjectCipher.ChunkBytes));
            var chunk = _stored.AsMemory(0, count + ObjectCipher.TagBytes);
            if (await Inner.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false)
                < chunk.Length)
                throw new StoreException(StoreFailure.Damaged, key, "is shorter than the store says");
            try
            {
                cipher.Decrypt(_next, _next == _chunks - 1, chunk.Span, _plain.AsSpan(0, count));
            }
            catch (AuthenticationTagMismatchException e)
            {
                throw new StoreException(StoreFailure.Damaged, key, "is not what was encrypted under this name", e);
            }

            (_next, _at, _end) = (_next + 1, 0, count);
        }
    }
}
