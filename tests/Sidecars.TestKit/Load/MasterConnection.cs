using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>What became of a write.</summary>
internal enum WriteResult
{
    /// <summary>The server answered OK.</summary>
    Acknowledged,

    /// <summary>The server answered with an error: it was not executed.</summary>
    Refused,

    /// <summary>The client never sent it.</summary>
    NotSent,

    /// <summary>It was sent and not answered: executed or not, now or later.</summary>
    Unknown,
}

/// <summary>Finds the master.</summary>
internal interface IMasterClient
{
    /// <summary>Tries until there is one.</summary>
    Task<IMasterConnection> ConnectAsync(CancellationToken cancellation);
}

/// <summary>Writes to what was the master when it was connected to.</summary>
internal interface IMasterConnection : IAsyncDisposable
{
    /// <summary>SET of each key, with the key as its value, all at once.</summary>
    /// <returns>A result for each, in their order.</returns>
    Task<IReadOnlyList<WriteResult>> WriteAsync(IReadOnlyList<string> keys);
}

/// <summary>A connection of the kit's own client.</summary>
internal sealed class DirectConnection(RedisClient client) : IMasterConnection
{
    public async Task<IReadOnlyList<WriteResult>> WriteAsync(IReadOnlyList<string> keys)
    {
        try
        {
            var replies = await client.PipelineAsync([.. keys.Select(key => RespCommand.Of("SET", key, key))], CancellationToken.None);
            return [.. replies.Select(reply => reply.IsError ? WriteResult.Refused : WriteResult.Acknowledged)];
        }
        catch (RedisConnectionException)
        {
            return [.. keys.Select(_ => WriteResult.Unknown)]; // some of them may have been answered: none counts
        }
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();
}
