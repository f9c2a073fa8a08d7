using Sidecars.Core.Redis;

namespace Sidecars.Core.Probing;

/// <summary>
/// Questions on one connection, AUTH in the same packet as the first of them. Judged is what the commands got, not what AUTH
/// did: a server without passwords refuses AUTH and answers all the same.
/// </summary>
internal sealed class ProbeExchange(BlockingRedisConnection connection, IReadOnlyList<RedisCredential> credentials, RedisCredential? openCredential) : IDisposable
{
    private bool _settled;

    /// <summary>What the last AUTH was refused with; null: accepted, or not sent.</summary>
    public string? LoginError { get; private set; }

    /// <summary>Why replies are missing; null: none is.</summary>
    public RedisFailure? Failure { get; private set; }

    /// <summary>A reply to AUTH with nothing behind it: what a full server says before it closes. Null otherwise.</summary>
    public string? LastWord { get; private set; }

    /// <summary>The replies, in order; null for those that did not come.</summary>
    public RespValue?[] Ask(params RespCommand[] commands)
    {
        if (_settled || (credentials.Count == 0 && openCredential is null)) return Send(null, commands);
        _settled = true;
        if (credentials.Count == 0)
        {
            // The usual open server costs no AUTH; only one that asks for a login is told the name.
            var replies = Send(null, commands);
            if (Failure is not null || !IsDenied(replies, "NOAUTH")) return replies;
            replies = Send(openCredential, commands);
            LoginError = null; // no password of anybody's was refused
            return replies;
        }

        for (var i = 0; ; i++)
        {
            var replies = Send(credentials[i], commands);
            if (LoginError is null || Failure is not null || i == credentials.Count - 1) return replies;
            if (!IsDenied(replies, "NOAUTH") && !IsDenied(replies, "NOPERM")) return replies;
        }
    }

    public void Dispose() => connection.Dispose();

    private RespValue?[] Send(RedisCredential? credential, RespCommand[] commands)
    {
        var replies = new RespValue?[commands.Length];
        try
        {
            if (credential is null)
            {
                connection.Send(commands);
            }
            else
            {
                connection.Send([credential.ToCommand(), .. commands]);
                var login = connection.Receive();
                LoginError = login.IsError ? RedisLogin.WithoutArguments(login.Text) : null;
                LastWord = LoginError;
            }

            for (var i = 0; i < replies.Length; i++)
            {
                replies[i] = connection.Receive();
                LastWord = null;
            }
        }
        catch (RedisConnectionException exception)
        {
            Failure = exception.Failure;
        }

        return replies;
    }

    private static bool IsDenied(RespValue?[] replies, string code)
    {
        foreach (var reply in replies)
        {
            if (reply is { IsError: true } && string.Equals(reply.ErrorCode, code, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}
