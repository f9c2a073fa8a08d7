using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>
/// Finds the master as a Sentinel-aware client does: asks Sentinels in turn, connects to what the first one that knows
/// names, and trusts it only if ROLE says master (redis.io, "Guidelines for Redis clients with support for Sentinel").
/// </summary>
internal sealed class MasterResolver(WriteLoadOptions options, int firstSentinel) : IMasterClient
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(20); // small against any gap that is measured
    private int _sentinel = firstSentinel;

    /// <inheritdoc/>
    public async Task<IMasterConnection> ConnectAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (await AskAsync(options.Sentinels[_sentinel % options.Sentinels.Count], cancellation) is { } address
                    && await OpenAsync(address, cancellation) is { } client)
                    return new DirectConnection(client);
            }
            catch (RedisConnectionException)
            {
                // the next one may know
            }

            _sentinel++;
            await Task.Delay(RetryPause, TimeProvider.System, cancellation);
        }
    }

    private async Task<RedisEndpoint?> AskAsync(RedisEndpoint sentinel, CancellationToken cancellation)
    {
        await using var client = await RedisClient.ConnectAsync(options.Transport(sentinel), options.Sentinel, cancellation);
        var reply = await client.CallAsync(cancellation, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", options.MasterName);
        return reply.Items.Count == 2
            ? new RedisEndpoint(reply.Items[0].Text, int.Parse(reply.Items[1].Text, CultureInfo.InvariantCulture))
            : null;
    }

    private async Task<RedisClient?> OpenAsync(RedisEndpoint address, CancellationToken cancellation)
    {
        var client = await RedisClient.ConnectAsync(options.Transport(address), options.Redis, cancellation);
        try
        {
            var role = await client.CallAsync(cancellation, "ROLE");
            if (role.Items.Count > 0 && role.Items[0].Text == "master") return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }

        await client.DisposeAsync();
        return null;
    }
}
