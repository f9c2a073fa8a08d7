using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.Keeper;

/// <summary>Looks at the server beside this process and at its AOF in one go. IO only.</summary>
/// <param name="info">Asks it for INFO now; null where it does not answer.</param>
/// <param name="dataDirectory">Its data directory.</param>
/// <param name="layout">Names of its files.</param>
public sealed class ServerClient(Func<CancellationToken, Task<RespValue?>> info, string dataDirectory, DataLayout layout)
{
    /// <summary>Asks by itself, on a new connection a look: an old one may be to a process that has ended.</summary>
    /// <param name="transport">To the server.</param>
    /// <param name="options">Credentials and deadlines.</param>
    /// <param name="dataDirectory">Its data directory.</param>
    /// <param name="layout">Names of its files.</param>
    public ServerClient(Func<IRespTransport> transport, RedisClientOptions options, string dataDirectory, DataLayout layout)
        : this(cancellation => AskAsync(transport, options, cancellation), dataDirectory, layout)
    {
    }

    /// <summary>What it says; null where it does not answer, or not as a Redis does.</summary>
    public async Task<ServerFacts?> ObserveAsync(CancellationToken cancellation)
    {
        var before = Aof();
        var reply = await info(cancellation).ConfigureAwait(false);
        var after = Aof();
        if (reply is null || !InfoReply.TryParse(reply, out var parsed)) return null;
        var look = before is not null && after is not null && before.Value.File == after.Value.File
            ? new AofLook(after.Value.File, before.Value.Length, after.Value.Length, before.Value.Others == after.Value.Others ? after.Value.Others : null)
            : null;
        return ServerFacts.Of(parsed, look);
    }

    private static async Task<RespValue?> AskAsync(Func<IRespTransport> transport, RedisClientOptions options, CancellationToken cancellation)
    {
        try
        {
            var client = await RedisClient.ConnectAsync(transport(), options, cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false)) return await client.CallAsync(cancellation, "INFO").ConfigureAwait(false);
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    private (string File, long Length, long? Others)? Aof()
    {
        var directory = Path.Combine(dataDirectory, layout.AppendDirectory);
        var manifest = new DiskFiles().ReadAll(Path.Combine(directory, layout.ManifestFile), AofManifestReader.MaxBytes).Then(bytes => AofManifestReader.Read(bytes));
        if (manifest.Value is not { Newest: { } newest } names || DiskFiles.Stat(Path.Combine(directory, newest.Name)).Value is not { } file) return null;
        long? others = 0;
        foreach (var other in names.Loaded)
            if (other.Name != newest.Name) others += DiskFiles.Stat(Path.Combine(directory, other.Name)).Value?.Length;
        return (newest.Name, file.Length, others);
    }
}
