using System.Collections.Concurrent;

namespace Sidecars.TestKit.FakeAws;

/// <summary>An access key that a service knows.</summary>
/// <param name="Secret">What requests are signed with.</param>
/// <param name="Token">A session's; else empty.</param>
/// <param name="IsExpired">The session is over.</param>
public sealed record FakeKey(string Secret, string Token = "", bool IsExpired = false);

/// <summary>The keys of an account. Safe for concurrent use.</summary>
public sealed class FakeKeys
{
    private readonly ConcurrentDictionary<string, FakeKey> _keys = new();
    private int _issued;

    public FakeKeys(params ReadOnlySpan<(string Id, string Secret)> keys)
    {
        foreach (var (id, secret) in keys) _keys[id] = new FakeKey(secret);
    }

    /// <summary>Null: unknown, or revoked.</summary>
    public FakeKey? Find(string id) => _keys.GetValueOrDefault(id);

    /// <summary>A key that lasts until it is revoked.</summary>
    public (string Id, string Secret) Make()
    {
        var number = Interlocked.Increment(ref _issued);
        var (id, secret) = ($"AKIDMADE{number:0000}", $"secret/+{number}");
        _keys[id] = new FakeKey(secret);
        return (id, secret);
    }

    /// <summary>A session's.</summary>
    public (string Id, string Secret, string Token) MakeSession()
    {
        var (id, secret) = Make();
        var token = "token of " + id;
        _keys[id] = new FakeKey(secret, token);
        return (id, secret, token);
    }

    /// <summary>Nobody knows them any more.</summary>
    public void RevokeAll() => _keys.Clear();

    /// <summary>All sessions are over.</summary>
    public void ExpireAll()
    {
        foreach (var (id, key) in _keys) _keys[id] = key with { IsExpired = true };
    }
}
