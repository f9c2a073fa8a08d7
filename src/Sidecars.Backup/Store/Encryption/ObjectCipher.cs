using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Sidecars.Backup.Store.Encryption;

/// <summary>
/// An encrypted object: a header of 32 bytes, then chunks of 64 KiB, each with its tag of 16 bytes after it.
/// <code>
/// header   "SIDECAR1" · id of the key (8) · salt (16, random)
/// chunk i  AES-256-GCM, key = HKDF-SHA-256(key, salt, "sidecars object 1"), nonce = last chunk ? 1 : 0 (1) · 0 (3) · i (8, big endian),
///          associated data = header · name of the object (UTF-8)
/// </code>
/// So a chunk that is changed, missing, moved or of another object does not open, nor does an object that was cut at a chunk (the STREAM
/// construction of Hoang, Reyhanitabar, Rogaway, Vizár, 2015). An empty object is one empty chunk. Chunks can be made in any order,
/// which is what parts and second tries need; a salt is never used for two contents.
/// </summary>
internal sealed class ObjectCipher : IDisposable
{
    public const int KeyIdBytes = 8;
    public const int HeaderBytes = 32;
    public const int ChunkBytes = 64 * 1024;
    public const int TagBytes = 16; // AesGcm's longest
    private const int StoredChunk = ChunkBytes + TagBytes;
    private readonly AesGcm _aes;
    private readonly byte[] _associated;

    private ObjectCipher(EncryptionKey key, byte[] header, string name)
    {
        Header = header;
        _aes = new AesGcm(key.Derive(header.AsSpan(HeaderBytes - 16), "sidecars object 1"u8), TagBytes);
        _associated = [.. header, .. Encoding.UTF8.GetBytes(name)];
    }

    public byte[] Header { get; }

    private static ReadOnlySpan<byte> Magic => "SIDECAR1"u8;

    /// <summary>Creates the header of a new object, with a fresh salt.</summary>
    public static byte[] NewHeader(EncryptionKey key) =>
        [.. Magic, .. Convert.FromHexString(key.Id), .. RandomNumberGenerator.GetBytes(16)];

    public static ObjectCipher Open(EncryptionKey key, byte[] header, string name) => new(key, header, name);

    /// <summary>The id of the key; null where this is no header.</summary>
    public static string? KeyId(ReadOnlySpan<byte> header) =>
        header.Length == HeaderBytes && header.StartsWith(Magic) ? Convert.ToHexStringLower(header.Slice(Magic.Length, KeyIdBytes)) : null;

    public static long Chunks(long length) => Math.Max(1, (length + ChunkBytes - 1) / ChunkBytes);

    public static long StoredLength(long length) => HeaderBytes + length + (Chunks(length) * TagBytes);

    /// <summary>Null where no object has this length.</summary>
    public static long? PlainLength(long stored)
    {
        var chunks = (stored - HeaderBytes + StoredChunk - 1) / StoredChunk;
        var length = stored - HeaderBytes - (chunks * TagBytes);
        return stored >= HeaderBytes + TagBytes && length >= 0 && StoredLength(length) == stored ? length : null;
    }

    /// <summary>Writes content and tag into <paramref name="stored"/>, which is as long as both.</summary>
    public void Encrypt(long chunk, bool last, ReadOnlySpan<byte> content, Span<byte> stored)
    {
        Span<byte> nonce = stackalloc byte[12];
        _aes.Encrypt(Nonce(nonce, chunk, last), content, stored[..content.Length], stored[content.Length..], _associated);
    }

    /// <exception cref="AuthenticationTagMismatchException">It is not what was encrypted under this name.</exception>
    public void Decrypt(long chunk, bool last, ReadOnlySpan<byte> stored, Span<byte> content)
    {
        Span<byte> nonce = stackalloc byte[12];
        _aes.Decrypt(Nonce(nonce, chunk, last), stored[..content.Length], stored[content.Length..], content, _associated);
    }

    public void Dispose() => _aes.Dispose();

    private static Span<byte> Nonce(Span<byte> nonce, long chunk, bool last)
    {
        nonce.Clear();
        nonce[0] = last ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], chunk);
        return nonce;
    }
}
