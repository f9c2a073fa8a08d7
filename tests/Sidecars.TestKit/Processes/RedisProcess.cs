using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// A plain redis-server on a free loopback port in a folder of its own, with nothing persisted unless the extra lines ask
/// for it. Ready (it answers PING) when <see cref="StartAsync(string[])"/> returns.
/// </summary>
public sealed class RedisProcess : IAsyncDisposable
{
    // Of gigabytes, on a busy machine; one that ends is noticed at once.
    private static readonly TimeSpan LoadsWithin = TimeSpan.FromMinutes(2);
    private readonly TempFolder _folder;
    private readonly bool _ownsFolder;
    private readonly string _config;

    private RedisProcess(TempFolder folder, bool ownsFolder, string config, int port)
    {
        (_folder, _ownsFolder, _config) = (folder, ownsFolder, config);
        Endpoint = new RedisEndpoint("127.0.0.1", port);
    }

    /// <summary>Where it listens.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>The port of <see cref="Endpoint"/>.</summary>
    public int Port => Endpoint.Port;

    /// <summary>Working directory: RDB and AOF are here.</summary>
    public string Folder => _folder.Path;

    /// <summary>The process; another one after <see cref="RestartAsync"/>.</summary>
    public ServerProcess Process { get; private set; } = null!;

    /// <summary>Starts a server with extra lines of redis.conf, which override the defaults above them.</summary>
    public static Task<RedisProcess> StartAsync(params string[] configLines) => StartAsync(null, FreePort.Next(), configLines);

    /// <summary>Starts a server on a given port, in a given folder (null: a temporary one, deleted on dispose).</summary>
    public static async Task<RedisProcess> StartAsync(TempFolder? folder, int port, params string[] configLines)
    {
        var owned = folder is null;
        folder ??= new TempFolder("redis");
        var config = folder.Write("redis.conf", string.Create(CultureInfo.InvariantCulture, $"""
            bind 127.0.0.1
            port {port}
            dir {folder.Path}
            daemonize no
            logfile ""
            save ""
            appendonly no
            repl-diskless-sync-delay 0
            {string.Join('\n', configLines)}

            """));
        var redis = new RedisProcess(folder, owned, config, port);
        try
        {
            await redis.RestartAsync();
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }

        return redis;
    }

    /// <summary>Starts it again on the same port and folder; ends it first (SIGKILL) if it still runs.</summary>
    public async Task RestartAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        Process =
            await ServerProcess.StartAsync(new ServerStart("redis-server", _config) { Name = $"redis:{Port}", WorkingDirectory = Folder });
        await Process.WaitUntilAsync("PING is answered", () => InlinePing.AnswersAsync(Port), LoadsWithin);
    }

    /// <summary>Kills the server and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        if (_ownsFolder) _folder.Dispose();
    }
}
