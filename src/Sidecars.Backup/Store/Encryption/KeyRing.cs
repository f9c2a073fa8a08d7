using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Store.Encryption;

/// <summary>A key of 256 bits; it is never printed, its id is.</summary>
public sealed class EncryptionKey
{
    private readonly byte[] _bytes;

    private EncryptionKey(byte[] bytes)
    {
        _bytes = bytes;
        // Of a key that nobody can guess, a digest gives nothing away.
        Id = Convert.ToHexStringLower(SHA256.HashData([.. "sidecars key id"u8, .. bytes]))[..(ObjectCipher.KeyIdBytes * 2)];
    }

    /// <summary>16 hex digits.</summary>
    public string Id { get; }

    /// <summary>Reads the base64 of 32 bytes (<c>openssl rand -base64 32</c>).</summary>
    public static bool TryParse(string base64, [NotNullWhen(true)] out EncryptionKey? key)
    {
        var bytes = new byte[33];
        key = Convert.TryFromBase64String(base64, bytes, out var length) && length == 32 ? new EncryptionKey(bytes[..32]) : null;
        return key is not null;
    }

    /// <summary>The id.</summary>
    public override string ToString() => Id;

    /// <summary>A key for one purpose, by HKDF-SHA-256 (RFC 5869).</summary>
    internal byte[] Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose)
    {
        var derived = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes, derived, salt, purpose);
        return derived;
    }
}

/// <summary>The keys that are configured: the first one encrypts, all of them decrypt.</summary>
public sealed class KeyRing
{
    private const int MaxKeys = 16;
    private readonly EncryptionKey[] _keys;

    private KeyRing(EncryptionKey[] keys) => _keys = keys;

    /// <summary>What is written is encrypted with this one.</summary>
    public EncryptionKey Current => _keys[0];

    /// <summary>The ids of the keys, for messages.</summary>
    public string Ids => string.Join(", ", _keys.Select(k => k.Id));

    /// <summary>Reads one to 16 keys with spaces between them.</summary>
    /// <param name="secret">See <see cref="EncryptionKey.TryParse"/>.</param>
    /// <param name="keys">The result.</param>
    public static bool TryParse(Secret secret, [NotNullWhen(true)] out KeyRing? keys)
    {
        keys = null;
        var parsed = new List<EncryptionKey>();
        foreach (var text in secret.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!EncryptionKey.TryParse(text, out var key) || parsed.Count == MaxKeys) return false;
            parsed.Add(key);
        }

        keys = parsed.Count > 0 ? new KeyRing([.. parsed]) : null;
        return keys is not null;
    }

    /// <summary>Null where it is not configured.</summary>
    public EncryptionKey? Find(string id) => _keys.FirstOrDefault(k => k.Id == id);

    /// <summary>The ids.</summary>
    public override string ToString() => Ids;
}

/// <summary>
/// The hash of contents: SHA-256, or, where they are encrypted, HMAC-SHA-256 with a key of its own. Names and manifests are not encrypted,
/// and with a plain digest whoever sees them could test guesses of what a small segment holds.
/// </summary>
public sealed class ContentHash
{
    private readonly byte[]? _key;

    private ContentHash(byte[]? key) => _key = key;

    /// <summary>SHA-256.</summary>
    public static ContentHash Plain { get; } = new(null);

    /// <summary>Uses HMAC-SHA-256 with a key, and <see cref="Plain"/> without one.</summary>
    public static ContentHash With(EncryptionKey? key) => key is null ? Plain : new ContentHash(key.Derive([], "sidecars digest 1"u8));

    /// <summary>Begins one; dispose it.</summary>
    public IncrementalHash Begin() =>
        _key is null ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);

    /// <summary>Hashes a prefix and then the content.</summary>
    /// <exception cref="IOException">The content ended early or could not be read.</exception>
    public byte[] Of(ReadOnlySpan<byte> prefix, ObjectContent content)
    {
        using var hash = Begin();
        hash.AppendData(prefix);
        content.ReadAll(hash.AppendData);
        return hash.GetHashAndReset();
    }
}
