using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// Clients that know no Sentinel: they connect to whatever is published, and again after any error. An idealised name: it is read for each
/// connection, and nobody caches it.
/// </summary>
internal sealed class PublishedLoad(Func<RedisEndpoint> published, int writers) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly List<(string Key, bool Acknowledged)[]> _done = [];
    private readonly Lock _gate = new();
    private long _last;

    public TimeSpan LongestGap { get; private set; }

    public void Start()
    {
        for (var i = 0; i < writers; i++)
        {
            var writer = i;
            _running.Add(Task.Run(() => WriteAsync(writer)));
        }
    }

    public void ForgetGaps()
    {
        lock (_gate) (_last, LongestGap) = (0, TimeSpan.Zero);
    }

    /// <summary>Stops, and counts acknowledged keys that the server does not have.</summary>
    public async Task<(int Acknowledged, int Lost)> CheckAsync(RedisEndpoint master)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        await using var client = await RedisClient.ConnectAsync(
            new TcpTransport(master), new RedisClientOptions { CommandTimeout = TimeSpan.FromSeconds(10) }, default);
        var keys = _done.SelectMany(d => d).Where(d => d.Acknowledged).Select(d => d.Key).ToList();
        var lost = 0;
        foreach (var batch in keys.Chunk(500))
            lost += (await client.CallAsync(default, ["MGET", .. batch])).Items.Count(value => value.IsNull);
        return (keys.Count, lost);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private async Task WriteAsync(int writer)
    {
        var done = new List<(string, bool)>();
        RedisClient? client = null;
        for (var n = 0; !_stop.IsCancellationRequested;)
        {
            try
            {
                client ??= await RedisClient.ConnectAsync(new TcpTransport(published()), new RedisClientOptions(), default);
                var key = string.Create(CultureInfo.InvariantCulture, $"published{writer}:{n}");
                var sent = false;
                try
                {
                    sent = true;
                    var reply = await client.CallAsync(default, "SET", key, key);
                    // refused: again under the same number
                    if (reply.IsError) throw new RedisConnectionException(RedisFailure.Protocol, reply.Text);
                    Acknowledge();
                    done.Add((key, true));
                    n++;
                }
                catch (RedisConnectionException e) when (sent && e.Failure != RedisFailure.Protocol)
                {
                    done.Add((key, false));
                    n++;
                    throw;
                }
            }
            catch (RedisConnectionException)
            {
                if (client is not null) await client.DisposeAsync();
                client = null;
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            }
        }

        if (client is not null) await client.DisposeAsync();
        lock (_gate) _done.Add([.. done]);
    }

    private void Acknowledge()
    {
        lock (_gate)
        {
            var now = TimeProvider.System.GetTimestamp();
            if (_last != 0 && TimeProvider.System.GetElapsedTime(_last, now) is var gap && gap > LongestGap) LongestGap = gap;
            _last = now;
        }
    }
}
