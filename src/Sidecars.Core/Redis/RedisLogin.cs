using System.Diagnostics.CodeAnalysis;

namespace Sidecars.Core.Redis;

/// <summary>
/// The order of AUTH, shared by the async and the blocking connection: credentials are tried until one is accepted. Any error
/// goes on to the next, not WRONGPASS alone: a server older than ACLs answers ERR to a user name and takes the password alone.
/// </summary>
internal sealed class RedisLogin(IReadOnlyList<RedisCredential> credentials, string peer)
{
    // A copy: passwords change while a login is under way.
    private readonly RedisCredential[] _credentials = credentials.ToArray();
    private int _next;
    private string _error = "";

    /// <summary>The next AUTH to send; false when none is left and the login failed.</summary>
    public bool TryNext([NotNullWhen(true)] out RespCommand? command)
    {
        command = _next < _credentials.Length ? _credentials[_next].ToCommand() : null;
        return command is not null;
    }

    /// <summary>True where the login is done.</summary>
    public bool Accept(RespValue reply)
    {
        if (!reply.IsError) return true;

        // WRONGPASS says the least; an error of another kind (no password configured, too many clients) is kept before it.
        if (_error.Length == 0 || !reply.ErrorCode.Equals("WRONGPASS", StringComparison.Ordinal)) _error = WithoutArguments(reply.Text);
        _next++;
        return false;
    }

    public RedisConnectionException Failed()
    {
        var users = string.Join(", ", _credentials.Select(credential => credential.User ?? "default"));
        return new RedisConnectionException(RedisFailure.Auth, $"{peer}: AUTH refused (as {users}): {_error}") { ServerError = _error };
    }

    /// <summary>
    /// True for an error that refuses the login. "max number of clients" also fails AUTH, and says nothing of the password.
    /// </summary>
    public static bool IsRefusal(string? error) => error is not null
        && (error.StartsWith("NOAUTH", StringComparison.Ordinal) || error.StartsWith("WRONGPASS", StringComparison.Ordinal)
            || error.StartsWith("NOPERM", StringComparison.Ordinal) || error.StartsWith("ERR AUTH", StringComparison.Ordinal));

    // "unknown command" repeats the arguments, which are the password.
    public static string WithoutArguments(string text)
    {
        var arguments = text.IndexOf(", with args", StringComparison.Ordinal);
        return arguments < 0 ? text : text[..arguments];
    }
}
