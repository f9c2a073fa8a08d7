using System.Collections;
using Sidecars.Core.Configuration;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Group;

/// <summary>Credentials that change while clients hold the list: each look at it, an enumeration included, sees one state.</summary>
public sealed class LiveCredentials : IReadOnlyList<RedisCredential>
{
    private volatile RedisCredential[] _now = [];

    /// <inheritdoc/>
    public int Count => _now.Length;

    /// <inheritdoc/>
    public RedisCredential this[int index] => _now[index];

    /// <summary>Uses these from now on.</summary>
    public void Use(IEnumerable<RedisCredential> credentials) => _now = [.. credentials];

    /// <summary>Uses a user's password from now on, and during a rotation the one before it.</summary>
    public void Use(GroupLogin login) => _now = login.PreviousPassword is { } previous
        ? [new RedisCredential(login.User, login.Password), new RedisCredential(login.User, previous)]
        : [new RedisCredential(login.User, login.Password)];

    /// <inheritdoc/>
    public IEnumerator<RedisCredential> GetEnumerator() => ((IEnumerable<RedisCredential>)_now).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
