using System.Globalization;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.Watch;

/// <summary>How a subscription at a Sentinel is kept.</summary>
/// <param name="Silence">A Sentinel that sends nothing for this long is asked for a PING, so that a dead one is noticed.</param>
/// <param name="RetryDelay">Between the end of a connection and the next.</param>
/// <param name="InfoPeriod">What the Sentinel's INFO-PERIOD is set to; null: it is left as it is.</param>
public sealed record SentinelSubscriptionSettings(TimeSpan Silence, TimeSpan RetryDelay, TimeSpan? InfoPeriod);

/// <summary>
/// The subscription at one Sentinel: connects, subscribes, and connects again after any failure. It carries no facts: whoever is woken by
/// it looks on a new connection. Why it is not StackExchange.Redis', with figures: StackExchange.Redis.md beside this file.
/// </summary>
/// <param name="transport">Connects to the Sentinel.</param>
/// <param name="options">Credentials and deadlines; the limits are the subscription's own.</param>
/// <param name="settings">Rhythm.</param>
/// <param name="time">Its clock.</param>
public sealed class SentinelSubscription(
    IRespTransport transport, RedisClientOptions options, SentinelSubscriptionSettings settings, TimeProvider time)
{
    // What may change who is master, or whom the majority holds for it; and a failover from its election on: its leader makes one
    // step a tick of its timer (50 to 100 ms), so that a master's sidecar hears that a replica is chosen one step before it is promoted.
    private static readonly string[] Channels =
    [
        "SUBSCRIBE", "+switch-master", "+config-update-from", "+promoted-slave", "+failover-end", "+odown", "-odown", "+reboot",
        "+elected-leader", "+selected-slave", "-failover-abort-not-elected", "-failover-abort-no-good-slave",
        "-failover-abort-slave-timeout",
    ];

    // An event is a channel and a line of at most 1 KiB (sentinel.c, sentinelEvent; LOG_MAX_LEN). Whoever took over a Sentinel's address
    // can send anything, and needs no password for it: so bounded, one message holds 4 KiB, and those that are queued behind a PING (4096)
    // 16 MiB.
    private static readonly RespLimits Limits =
        new() { MaxBulkBytes = 2 << 10, MaxLineBytes = 2 << 10, MaxItems = 16, MaxReplyBytes = 4 << 10 };

    private readonly RedisClientOptions _options = options with { Limits = Limits };

    /// <summary>Runs until it is cancelled.</summary>
    /// <param name="subscribed">Called after each subscription: events were missed until then.</param>
    /// <param name="heard">Called for each event.</param>
    /// <param name="infoPeriodRefused">Called with the error of a Sentinel that keeps its own INFO-PERIOD.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(Action subscribed, Action heard, Action<string> infoPeriodRefused, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var connection = await RedisClient.ConnectAsync(transport, _options, cancellation).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    await SetInfoPeriodAsync(connection, infoPeriodRefused, cancellation).ConfigureAwait(false);
                    var reply = await connection.CallAsync(cancellation, Channels).ConfigureAwait(false);
                    subscribed();
                    while (!reply.IsError)
                    {
                        if (await connection.TryReadMessageAsync(settings.Silence, cancellation).ConfigureAwait(false) is not null) heard();
                        else reply = await connection.CallAsync(cancellation, "PING").ConfigureAwait(false);
                    }
                }
            }
            catch (RedisConnectionException)
            {
                // The look says why; here it is tried again.
            }

            await Task.Delay(settings.RetryDelay, time, cancellation).ConfigureAwait(false);
        }
    }

    // It is not part of Sentinel's file, and a connection does not outlive the process: once per connection is enough.
    private async Task SetInfoPeriodAsync(RedisClient connection, Action<string> refused, CancellationToken cancellation)
    {
        if (settings.InfoPeriod is not { } period) return;
        var milliseconds = ((long)period.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        var reply = await connection.CallAsync(cancellation, "SENTINEL", "DEBUG", "INFO-PERIOD", milliseconds).ConfigureAwait(false);
        if (reply.IsError) refused(reply.Text);
    }
}
