using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>When Sentinels told of their next switch, on the monotonic clock.</summary>
internal sealed class SwitchWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RedisClient> _clients = [];
    private readonly List<Task> _reading = [];
    private readonly Lock _gate = new();
    private readonly List<long> _switched = [];

    /// <summary>Subscribes to each; returns once all have confirmed.</summary>
    public static async Task<SwitchWatch> StartAsync(LocalGroup group, IEnumerable<LocalNode> sentinels)
    {
        var watch = new SwitchWatch();
        foreach (var sentinel in sentinels)
        {
            var client = await group.ConnectAsync(sentinel, TimeSpan.FromSeconds(2));
            watch._clients.Add(client);
            await client.CallAsync(default, "SUBSCRIBE", "+switch-master");
            watch._reading.Add(watch.ReadAsync(client));
        }

        return watch;
    }

    /// <summary>Timestamp of the switch of the Sentinel that was the <paramref name="count"/>th.</summary>
    public async Task<long> WaitAsync(int count)
    {
        await Eventually.UntilAsync($"{count} Sentinels to switch", () => Count() >= count, TimeSpan.FromSeconds(30));
        lock (_gate) return _switched[count - 1];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_reading);
        foreach (var client in _clients) await client.DisposeAsync();
        _stop.Dispose();
    }

    private int Count()
    {
        lock (_gate) return _switched.Count;
    }

    private async Task ReadAsync(RedisClient client)
    {
        try
        {
            await client.ReadMessageAsync(_stop.Token);
            lock (_gate) _switched.Add(TimeProvider.System.GetTimestamp());
        }
        catch (Exception e) when (e is OperationCanceledException or RedisConnectionException)
        {
            // Stopped, or this Sentinel has ended: it tells nothing.
        }
    }
}
