using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.Processes;

/// <summary>A plain redis-sentinel on a free loopback port with a given configuration; ready (it answers PING) when started.</summary>
public sealed class SentinelProcess : IAsyncDisposable
{
    private readonly TempFolder _folder = new("sentinel");
    private readonly string _config;

    private SentinelProcess(string config, int port)
    {
        Endpoint = new RedisEndpoint("127.0.0.1", port);
        _config = _folder.Write("sentinel.conf", string.Create(CultureInfo.InvariantCulture, $"""
            bind 127.0.0.1
            port {port}
            dir {_folder.Path}
            daemonize no
            logfile ""
            {config}

            """));
    }

    /// <summary>Where it listens.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>The port of <see cref="Endpoint"/>.</summary>
    public int Port => Endpoint.Port;

    /// <summary>The configuration file, which Sentinel rewrites.</summary>
    public string ConfigFile => _config;

    /// <summary>The process; another one after <see cref="RestartAsync"/>.</summary>
    public ServerProcess Process { get; private set; } = null!;

    /// <summary>Starts a Sentinel with these lines of sentinel.conf.</summary>
    public static async Task<SentinelProcess> StartAsync(params string[] configLines)
    {
        var sentinel = new SentinelProcess(string.Join('\n', configLines), FreePort.Next());
        try
        {
            await sentinel.RestartAsync();
        }
        catch
        {
            await sentinel.DisposeAsync();
            throw;
        }

        return sentinel;
    }

    /// <summary>Starts a Sentinel that monitors one master.</summary>
    /// <param name="masterName">Name of the master.</param>
    /// <param name="master">Its address.</param>
    /// <param name="quorum">Sentinels that must agree.</param>
    /// <param name="downAfterMilliseconds">down-after-milliseconds.</param>
    /// <param name="configLines">Further lines.</param>
    public static Task<SentinelProcess> MonitorAsync(
        string masterName, RedisEndpoint master, int quorum, int downAfterMilliseconds = 5000, params string[] configLines) =>
        StartAsync(
        [
            string.Create(CultureInfo.InvariantCulture, $"sentinel monitor {masterName} {master.Host} {master.Port} {quorum}"),
            string.Create(CultureInfo.InvariantCulture, $"sentinel down-after-milliseconds {masterName} {downAfterMilliseconds}"),
            .. configLines,
        ]);

    /// <summary>Starts it again with what it has written into its configuration; ends it first (SIGKILL) if it still runs.</summary>
    public async Task RestartAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        // redis-sentinel is redis-server under another name; this way one program has to be installed.
        Process = await ServerProcess.StartAsync(
            new ServerStart("redis-server", _config, "--sentinel") { Name = $"sentinel:{Port}", WorkingDirectory = _folder.Path });
        await Process.WaitUntilAsync("PING is answered", () => InlinePing.AnswersAsync(Port));
    }

    /// <summary>Kills the Sentinel and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Process is not null) await Process.DisposeAsync();
        _folder.Dispose();
    }
}
