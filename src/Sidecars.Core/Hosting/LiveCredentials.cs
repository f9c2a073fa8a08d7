using System.Collections;
using Sidecars.Core.Configuration;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Hosting;

/// <summary>Credentials that change while clients hold the list: each look at it, an enumeration included, sees one state.</summary>
internal sealed class LiveCredentials : IReadOnlyList<RedisCredential>
{
    private volatile RedisCredential[] _now = [];

    public int Count => _now.Length;

    public RedisCredential this[int index] => _now[index];

    public void Use(GroupLogin login) => _now = login.PreviousPassword is { } previous
        ? [new RedisCredential(login.User, login.Password), new RedisCredential(login.User, previous)]
        : [new RedisCredential(login.User, login.Password)];

    public IEnumerator<RedisCredential> GetEnumerator() => ((IEnumerable<RedisCredential>)_now).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
