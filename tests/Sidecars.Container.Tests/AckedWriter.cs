using System.Collections.Concurrent;
using System.Globalization;
using StackExchange.Redis;

namespace Sidecars.Container.Tests;

/// <summary>
/// Writes one key after the other to the master that the Sentinels name, by StackExchange.Redis, and keeps those that were acknowledged:
/// SET returned OK and WAIT, on the same connection, enough replicas. After any failure it asks the Sentinels for the master again.
/// </summary>
/// <param name="group">The group to write to.</param>
/// <param name="replicas">The first value of <see cref="Replicas"/>.</param>
internal sealed class AckedWriter(ContainerGroup group, int replicas) : IAsyncDisposable
{
    private const int WaitMilliseconds = 1000;
    private readonly ConcurrentQueue<string> _keys = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private long _next;

    /// <summary>Acknowledged writes so far.</summary>
    public int Count => _keys.Count;

    /// <summary>Replicas that must have a write before it counts as acknowledged.</summary>
    public int Replicas { get; set; } = replicas;

    /// <summary>The last failure of a write or a connection.</summary>
    public string LastFailure { get; private set; } = "";

    /// <summary>Starts writing.</summary>
    public void Start() => _running = RunAsync();

    /// <summary>Stops; throws an unexpected failure of the writer.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Acknowledged keys that a server does not have.</summary>
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
                LastFailure = e.Message; // not acknowledged; the master may have changed
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
