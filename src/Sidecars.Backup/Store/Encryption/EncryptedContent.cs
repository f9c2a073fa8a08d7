namespace Sidecars.Backup.Store.Encryption;

/// <summary>The encrypted form of a content; made as it is read, a chunk at a time, and the same at each reading.</summary>
internal sealed class EncryptedContent(ObjectContent content, EncryptionKey key, string name) : ObjectContent
{
    private readonly byte[] _header = ObjectCipher.NewHeader(key);

    public override long Length => ObjectCipher.StoredLength(content.Length);

    public override Stream Open() => new EncryptingStream(content, ObjectCipher.Open(key, _header, name));

    private sealed class EncryptingStream(ObjectContent content, ObjectCipher cipher)
        : ReadOnlyStream(ObjectCipher.StoredLength(content.Length))
    {
        private readonly Stream _plain = content.Open();
        private readonly byte[] _buffer = new byte[Math.Min(content.Length, ObjectCipher.ChunkBytes)];
        private readonly byte[] _stored = new byte[Math.Min(content.Length, ObjectCipher.ChunkBytes) + ObjectCipher.TagBytes];
        private long _chunk = -1;
        private int _length;

        protected override int ReadAt(Span<byte> buffer, long position)
        {
            if (position >= ObjectCipher.HeaderBytes && ChunkAt(position) != _chunk) _plain.ReadExactly(Begin(ChunkAt(position)).Span);
            return Copy(buffer, position);
        }

        protected override async ValueTask<int> ReadAtAsync(Memory<byte> buffer, long position, CancellationToken cancellation)
        {
            if (position >= ObjectCipher.HeaderBytes && ChunkAt(position) != _chunk)
                await _plain.ReadExactlyAsync(Begin(ChunkAt(position)), cancellation).ConfigureAwait(false);
            return Copy(buffer.Span, position);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _plain.Dispose();
                cipher.Dispose();
            }

            base.Dispose(disposing);
        }

        private static long ChunkAt(long position) =>
            (position - ObjectCipher.HeaderBytes) / (ObjectCipher.ChunkBytes + ObjectCipher.TagBytes);

        // The bytes to be read for a chunk; they are encrypted once they are there.
        private Memory<byte> Begin(long chunk)
        {
            var start = chunk * ObjectCipher.ChunkBytes;
            _plain.Position = start;
            _length = (int)Math.Min(ObjectCipher.ChunkBytes, content.Length - start);
            _chunk = -1;
            return _buffer.AsMemory(0, _length);
        }

        private int Copy(Span<byte> buffer, long position)
        {
            if (position < ObjectCipher.HeaderBytes) return Copy(cipher.Header.AsSpan((int)position), buffer);
            var chunk = ChunkAt(position);
            if (_chunk != chunk)
            {
                cipher.Encrypt(chunk, chunk == ObjectCipher.Chunks(content.Length) - 1, _buffer.AsSpan(0, _length),
                    _stored.AsSpan(0, _length + ObjectCipher.TagBytes));
                _chunk = chunk;
            }

            var within = (int)(position - ObjectCipher.HeaderBytes - (chunk * (ObjectCipher.ChunkBytes + ObjectCipher.TagBytes)));
            return Copy(_stored.AsSpan(within, _length + ObjectCipher.TagBytes - within), buffer);
        }

        private static int Copy(ReadOnlySpan<byte> from, Span<byte> to)
        {
            var count = Math.Min(from.Length, to.Length);
            from[..count].CopyTo(to);
            return count;
        }
    }
}
