using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>
/// Finds the master as a client does that knows no Sentinel: connects to what the record names, and looks at the record again after an
/// error. It stands in for a name server that reads the record at each question, so nothing is cached.
/// </summary>
internal sealed class RecordResolver(WriteLoadOptions options, Func<RedisEndpoint?> published) : IMasterClient
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(5); // small against any gap that is measured

    /// <inheritdoc/>
    public async Task<IMasterConnection> ConnectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (published() is { } address)
                    return new DirectConnection(await RedisClient.ConnectAsync(options.Transport(address), options.Redis, cancellation));
            }
            catch (RedisConnectionException)
            {
                // it may name another one by now
            }

            await Task.Delay(RetryPause, TimeProvider.System, cancellation);
        }
    }
}
