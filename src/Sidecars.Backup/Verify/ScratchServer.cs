using System.ComponentModel;
using System.Diagnostics;
using Sidecars.Core.Redis;

namespace Sidecars.Backup.Verify;

/// <summary>
/// A redis-server that loads a restored directory and nobody else can reach: it listens on a Unix socket below that directory, on no port.
/// Killed on dispose.
/// </summary>
internal sealed class ScratchServer : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    // DEBUG and SCAN of a large dataset on a busy machine
    private static readonly RedisClientOptions Options = new() { CommandTimeout = TimeSpan.FromMinutes(5) };
    private readonly Process _process;
    private readonly Task<string> _words;

    private ScratchServer(Process process, Task<string> words) => (_process, _words) = (process, words);

    /// <summary>Connected, and loaded.</summary>
    public RedisClient Client { get; private set; } = null!;

    /// <summary>Starts it and waits until it has loaded.</summary>
    /// <exception cref="IOException">There is no such executable, or it ended; the message holds its last output.</exception>
    public static async Task<ScratchServer> StartAsync(string binary, string directory, TimeProvider time, CancellationToken cancellation)
    {
        var socket = Path.Combine(directory, ".sidecar", "s"); // short: a socket's path has at most 107 bytes
        Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
        var info =
            new ProcessStartInfo(binary) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory };
        string[] words =
        [
            "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", directory, "--appendonly", "yes", "--save", "",
            "--logfile", "",
            "--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "local", "--aof-load-truncated", "no", "--databases", "16384",
            "--daemonize", "no",
        ];
        foreach (var word in words) info.ArgumentList.Add(word);
        Process process;
        try
        {
            process = Process.Start(info) ?? throw new IOException($"{binary} was not started");
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{binary} cannot be started: {e.Message}", e);
        }

        var server = new ScratchServer(process, ReadAsync(process));
        try
        {
            await server.ConnectAsync(socket, time, cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Kills it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Client is not null) await Client.DisposeAsync().ConfigureAwait(false);
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await _words.ConfigureAwait(false);
        _process.Dispose();
    }

    private static async Task<string> ReadAsync(Process process)
    {
        var errors = process.StandardError.ReadToEndAsync();
        var lines = new Queue<string>();
        while (await process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lines.Enqueue(line);
            if (lines.Count > 5) lines.Dequeue();
        }

        return string.Join(" | ", lines.Append(await errors.ConfigureAwait(false)).Where(l => l.Length > 0));
    }

    private async Task ConnectAsync(string socket, TimeProvider time, CancellationToken cancellation)
    {
        while (true)
        {
            if (_process.HasExited)
                throw new IOException($"redis-server did not load the restored data: {await _words.ConfigureAwait(false)}");
            try
            {
                var client = await RedisClient.ConnectAsync(new UnixTransport(socket), Options, cancellation).ConfigureAwait(false);
                if (!(await client.CallAsync(cancellation, "PING").ConfigureAwait(false)).IsError)
                {
                    Client = client;
                    return;
                }

                await client.DisposeAsync().ConfigureAwait(false); // LOADING
            }
            catch (RedisConnectionException)
            {
                // Not listening yet, or ended: the next round tells.
            }

            await Task.Delay(Poll, time, cancellation).ConfigureAwait(false);
        }
    }
}
