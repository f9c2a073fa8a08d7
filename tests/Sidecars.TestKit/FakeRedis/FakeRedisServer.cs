using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Sidecars.Core.Primitives;

namespace Sidecars.TestKit.FakeRedis;

/// <summary>
/// A scripted server on a real loopback socket, for what a real Redis or Sentinel can't do on demand. Most tests want
/// <see cref="Answering"/>; <see cref="Start"/> runs any script for each connection.
/// </summary>
public sealed class FakeRedisServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<FakeRedisConnection, CancellationToken, Task> _script;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<FakeRedisConnection, bool> _open = new();
    private readonly ConcurrentQueue<IReadOnlyList<string>> _commands = new();
    private readonly ConcurrentQueue<Exception> _scriptErrors = new();
    private readonly Task _accepting;
    private int _accepted;

    private FakeRedisServer(IPAddress address, Func<FakeRedisConnection, CancellationToken, Task> script)
    {
        _script = script;
        _listener = new TcpListener(address, 0);
        _listener.Start();
        var local = (IPEndPoint)_listener.LocalEndpoint;
        Endpoint = new RedisEndpoint(local.Address.ToString(), local.Port);
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public RedisEndpoint Endpoint { get; }

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _accepted);

    /// <summary>Connections that are open.</summary>
    public int OpenConnections => _open.Count;

    /// <summary>All commands received, in order of arrival.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Commands => [.. _commands];

    /// <summary>The command lines received, words joined by spaces.</summary>
    public IReadOnlyList<string> CommandLines => [.. _commands.Select(words => string.Join(' ', words))];

    /// <summary>What scripts and handlers threw by mistake.</summary>
    public IReadOnlyList<Exception> ScriptErrors => [.. _scriptErrors];

    /// <summary>Runs <paramref name="script"/> for each connection, which is closed when the script ends.</summary>
    public static FakeRedisServer Start(Func<FakeRedisConnection, CancellationToken, Task> script, IPAddress? address = null) =>
        new(address ?? IPAddress.Loopback, script);

    /// <summary>
    /// Answers each command with the bytes that <paramref name="handler"/> returns; null answers nothing. What it throws closes the
    /// connection.
    /// </summary>
    public static FakeRedisServer Answering(Func<IReadOnlyList<string>, byte[]?> handler, IPAddress? address = null) =>
        Start(
            async (connection, stop) =>
            {
                while (await connection.ReadCommandAsync(stop) is { } command)
                {
                    if (handler(command) is { } reply) await connection.SendAsync(reply, stop);
                }
            },
            address);

    /// <summary>
    /// Canned replies by command line (<c>SENTINEL MASTERS</c>) or, failing that, command name; without regard to case. Others get <c>-ERR
    /// unknown command</c>.
    /// </summary>
    public static FakeRedisServer Canned(IReadOnlyDictionary<string, byte[]> replies)
    {
        var known = new Dictionary<string, byte[]>(replies, StringComparer.OrdinalIgnoreCase);
        return Answering(command => known.GetValueOrDefault(string.Join(' ', command))
            ?? known.GetValueOrDefault(command[0])
            ?? FakeReply.Error($"ERR unknown command '{command[0]}'"));
    }

    /// <summary>Accepts, reads, never answers.</summary>
    public static FakeRedisServer Silent() => Answering(_ => null);

    /// <summary>Answers the first command with these bytes, whatever they are, and closes.</summary>
    public static FakeRedisServer SendingThenClosing(byte[] bytes) =>
        Start(async (connection, stop) =>
        {
            if (await connection.ReadCommandAsync(stop) is not null) await connection.SendAsync(bytes, stop);
        });

    /// <summary>Sends these bytes before any command (<c>-ERR max number of clients reached</c>) and closes.</summary>
    public static FakeRedisServer GreetingThenClosing(byte[] bytes) =>
        Start(async (connection, stop) =>
        {
            await connection.SendAsync(bytes, stop);
            _ = await connection.ReadCommandAsync(stop); // a close with unread bytes would be a reset
        });

    /// <summary>Answers every command byte by byte.</summary>
    public static FakeRedisServer Trickling(byte[] bytes, TimeSpan pause) =>
        Start(async (connection, stop) =>
        {
            while (await connection.ReadCommandAsync(stop) is not null) await connection.SendSlowlyAsync(bytes, pause, stop);
        });

    /// <summary>Answers the first command with these bytes again and again, without end: an endless line, a flood of messages.</summary>
    public static FakeRedisServer Endless(byte[] bytes) =>
        Start(async (connection, stop) =>
        {
            _ = await connection.ReadCommandAsync(stop);
            while (true) await connection.SendAsync(bytes, stop);
        });

    /// <summary>Sends to every open connection: Pub/Sub messages of a fake Sentinel.</summary>
    public async Task SendToAllAsync(byte[] bytes)
    {
        foreach (var connection in _open.Keys) await connection.SendAsync(bytes, _stop.Token);
    }

    /// <summary>Closes every open connection; new ones are accepted.</summary>
    public void CloseAll(bool reset = false)
    {
        foreach (var connection in _open.Keys) connection.Close(reset);
    }

    /// <summary>Stops listening (a connect is refused) and closes all.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CloseAll();
        await _accepting;
        _stop.Dispose();
    }

    internal void Record(IReadOnlyList<string> command) => _commands.Enqueue(command);

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                socket.NoDelay = true;
                var connection = new FakeRedisConnection(socket, this);
                _open[connection] = true;
                Interlocked.Increment(ref _accepted);
                serving.Add(ServeAsync(connection));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            CloseAll(); // one may have been accepted while stopping
        }

        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(FakeRedisConnection connection)
    {
        await Task.Yield();
        try
        {
            await _script(connection, _stop.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client went away, or the test stops: both are how scripts end.
        }
        catch (Exception exception)
        {
            _scriptErrors.Enqueue(exception);
        }
        finally
        {
            _open.TryRemove(connection, out _);
            connection.Dispose();
        }
    }
}
