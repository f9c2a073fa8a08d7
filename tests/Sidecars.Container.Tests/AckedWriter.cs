using System.Collections.Concurrent;
using System.Globalization;
using StackExchange.Redis;

namespace Sidecars.Container.Tests;

/// <summary>
/// Writes by StackExchange.Redis to the master that Sentinels name, one key after the other, and remembers those that it was promised: SET was
/// answered with OK and WAIT, on the same connection, with so many replicas. One that has lost its connection asks the Sentinels anew.
/// </summary>
/// <param name="group">Whose.</param>
/// <param name="replicas">That must have a write before it counts.</param>
internal sealed class AckedWriter(ContainerGroup group, int replicas) : IAsyncDisposable
{
    private const int WaitMilliseconds = 1000;
    private readonly ConcurrentQueue<string> _keys = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private long _next;

    /// <summary>Writes that count so far.</summary>
    public int Count => _keys.Count;

    /// <summary>That must have a write before it counts: fewer while one is away.</summary>
    public int Replicas { get; set; } = replicas;

    /// <summary>Why it last left a server.</summary>
    public string LastFailure { get; private set; } = "";

    /// <summary>Begins.</summary>
    public void Start() => _running = RunAsync();

    /// <summary>Ends; throws what it did not expect.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Promised keys that a server does not have.</summary>
    public async Task<IReadOnlyList<string>> MissingAsync(RedisPod pod)
    {
        await using var connection = await pod.ConnectAsync();
        var keys = _keys.ToArray();
        var values = await connection.GetDatabase().StringGetAsync([.. keys.Select(key => (RedisKey)key)]);
        return [.. keys.Where((key, i) => values[i] != key)];
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (await group.FindMasterAsync() is not { } master) continue;
            try
            {
                await using var connection = await master.ConnectAsync();
                var server = connection.GetServer(connection.GetEndPoints()[0]);
                while (!_stop.IsCancellationRequested) await WriteAsync(server);
            }
            catch (Exception e) when (e is RedisException or RedisCommandException or TimeoutException)
            {
                LastFailure = e.Message; // no promise was given; who is master now?
            }
        }
    }

    private async Task WriteAsync(IServer server)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"key:{_next++}");
        if ((string?)await server.ExecuteAsync("SET", key, key) != "OK") return;
        var needed = Replicas;
        if (needed == 0 || (int)await server.ExecuteAsync("WAIT", needed, WaitMilliseconds) >= needed) _keys.Enqueue(key);
    }
}
