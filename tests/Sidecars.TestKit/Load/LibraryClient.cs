using System.Net;
using StackExchange.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>
/// StackExchange.Redis as an application uses it: one multiplexer for all writers, found through Sentinel, which then follows the master by
/// itself. It takes one password, so a rotation is played with <see cref="LoadClient.Direct"/>.
/// </summary>
internal sealed class LibraryClient : IMasterClient, IAsyncDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100); // while no Sentinel or no master answers
    private readonly WriteLoadOptions _options;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ConnectionMultiplexer? _multiplexer;

    public LibraryClient(WriteLoadOptions options)
    {
        if (options.NextRedisPassword is not null || options.NextSentinelPassword is not null)
            throw new ArgumentException("StackExchange.Redis tries one password.", nameof(options));
        _options = options;
    }

    public async Task<IMasterConnection> ConnectAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            while (_multiplexer is null)
            {
                _multiplexer = await TryConnectAsync();
                if (_multiplexer is null) await Task.Delay(RetryPause, TimeProvider.System, cancellation);
            }

            return new Connection(_multiplexer.GetDatabase());
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_multiplexer is not null) await _multiplexer.DisposeAsync();
        _gate.Dispose();
    }

    private async Task<ConnectionMultiplexer?> TryConnectAsync()
    {
        var milliseconds = (int)_options.CommandTimeout.TotalMilliseconds;
        var options = new ConfigurationOptions
        {
            ServiceName = _options.MasterName,
            Password = _options.RedisPassword,
            SentinelPassword = _options.SentinelPassword,
            ConnectTimeout = milliseconds,
            AsyncTimeout = milliseconds,
            SyncTimeout = milliseconds,
            Tunnel = _options.IsPlainTcp ? null : new TransportTunnel(_options.Transport),
        };
        foreach (var sentinel in _options.Sentinels) options.EndPoints.Add(IPEndPoint.Parse(sentinel.ToString()));
        try
        {
            return await ConnectionMultiplexer.ConnectAsync(options);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            return null;
        }
    }

    private sealed class Connection(IDatabase database) : IMasterConnection
    {
        public async Task<IReadOnlyList<WriteResult>> WriteAsync(IReadOnlyList<string> keys) => await Task.WhenAll(keys.Select(SetAsync));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask; // the multiplexer is the client's

        private async Task<WriteResult> SetAsync(string key)
        {
            try
            {
                return await database.StringSetAsync(key, key) ? WriteResult.Acknowledged : WriteResult.Unknown;
            }
            catch (RedisServerException)
            {
                return WriteResult.Refused;
            }
            catch (RedisCommandException)
            {
                return WriteResult.NotSent; // the library knows replicas only
            }
            catch (RedisConnectionException exception)
            {
                return Of(exception.CommandStatus);
            }
            catch (RedisTimeoutException exception)
            {
                return Of(exception.Commandstatus);
            }
        }

        private static WriteResult Of(CommandStatus status) =>
            status is CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog ? WriteResult.NotSent : WriteResult.Unknown;
    }
}
