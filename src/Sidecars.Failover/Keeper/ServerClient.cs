using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Keeper;

/// <summary>Looks at the server beside this process and at its AOF in one go. IO only.</summary>
/// <param name="look">Looks at it now; null where it does not answer, or not as a Redis does.</param>
/// <param name="dataDirectory">Its data directory.</param>
/// <param name="layout">Names of its files.</param>
public sealed class ServerClient(Func<CancellationToken, Task<NodeLook?>> look, string dataDirectory, DataLayout layout)
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

    /// <summary>What it says; null where it does not answer, or lacks what a marker must have.</summary>
    public async Task<ServerFacts?> ObserveAsync(CancellationToken cancellation)
    {
        var before = Aof();
        var said = await look(cancellation).ConfigureAwait(false);
        var after = Aof();
        if (said is null) return null;
        var aof = before is not null && after is not null && before.Value.File == after.Value.File
            ? new AofLook(after.Value.File, before.Value.Length, after.Value.Length,
                before.Value.Others == after.Value.Others ? after.Value.Others : null)
            : null;
        return ServerFacts.Of(said, aof);
    }

    private static async Task<NodeLook?> AskAsync(
        Func<IRespTransport> transport, RedisClientOptions options, CancellationToken cancellation)
    {
        try
        {
            return (await NodeClient.LookAsync(transport(), options, withSettings: false, cancellation).ConfigureAwait(false)).Look;
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    private (string File, long Length, long? Others)? Aof()
    {
        var directory = Path.Combine(dataDirectory, layout.AppendDirectory);
        var manifest = new DiskFiles().ReadAll(Path.Combine(directory, layout.ManifestFile), AofManifestReader.MaxBytes)
            .Then(bytes => AofManifestReader.Read(bytes));
        if (manifest.Value is not { Newest: { } newest } names
            || DiskFiles.Stat(Path.Combine(directory, newest.Name)).Value is not { } file)
            return null;
        long? others = 0;
        foreach (var other in names.Loaded)
            if (other.Name != newest.Name) others += DiskFiles.Stat(Path.Combine(directory, other.Name)).Value?.Length;
        return (newest.Name, file.Length, others);
    }
}
