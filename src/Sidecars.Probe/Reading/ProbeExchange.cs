using Sidecars.Core.Redis;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>Questions on one connection, AUTH in the same packet as the first of them.</summary>
internal sealed class ProbeExchange(BlockingRedisConnection connection, ProbeLogin login) : IDisposable
{
    private bool _settled;

    /// <inheritdoc cref="ProbeLogin.Error"/>
    public string? LoginError => login.Error;

    /// <summary>Why replies are missing; null: none is.</summary>
    public RedisFailure? Failure { get; private set; }

    /// <summary>A reply to AUTH with nothing behind it: what a full server says before it closes. Null otherwise.</summary>
    public string? LastWord { get; private set; }

    /// <summary>The replies, in order; null for those that did not come.</summary>
    public RespValue?[] Ask(params RespCommand[] commands)
    {
        while (true)
        {
            var replies = Send(_settled ? null : login.Credential, commands);
            if (_settled || Failure is not null) return replies;
            _settled = login.Stands(replies);
            if (_settled) return replies;
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
                LastWord = login.Take(connection.Receive());
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
}
