using Sidecars.Core.Redis;

namespace Sidecars.Probe.Reading;

/// <summary>
/// Which AUTH goes before the questions, and whether their replies stand. Judged is what the commands got, not what AUTH did: a
/// server without passwords refuses AUTH and answers all the same.
/// </summary>
/// <param name="credentials">Tried in order.</param>
/// <param name="openCredential">
/// Without credentials: tried once on a server that asks for a login. The usual open server costs no AUTH.
/// </param>
internal sealed class ProbeLogin(IReadOnlyList<RedisCredential> credentials, RedisCredential? openCredential)
{
    private int _tried;

    /// <summary>What to send before the questions; null: nothing.</summary>
    public RedisCredential? Credential { get; private set; } = credentials.Count > 0 ? credentials[0] : null;

    /// <summary>What the last AUTH was refused with; null: accepted, or not sent.</summary>
    public string? Error { get; private set; }

    /// <summary>The reply to AUTH. Returned is its error, null for none.</summary>
    public string? Take(RespValue reply) => Error = reply.IsError ? RedisLogin.WithoutArguments(reply.Text) : null;

    /// <summary>
    /// True where these replies are the answer; false where the same is to be asked again, after <see cref="Credential"/>.
    /// </summary>
    public bool Stands(ReadOnlySpan<RespValue?> replies)
    {
        var isDenied = IsDenied(replies, "NOAUTH") || (credentials.Count > 0 && IsDenied(replies, "NOPERM"));
        if (credentials.Count > 0)
        {
            Credential = Error is not null && isDenied && _tried + 1 < credentials.Count ? credentials[++_tried] : null;
        }
        else
        {
            Error = null; // no password of anybody's was refused
            Credential = isDenied && _tried++ == 0 ? openCredential : null;
        }

        return Credential is null;
    }

    private static bool IsDenied(ReadOnlySpan<RespValue?> replies, string code)
    {
        foreach (var reply in replies)
        {
            if (reply is { IsError: true } && string.Equals(reply.ErrorCode, code, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}
