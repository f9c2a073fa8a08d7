using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Publish;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Waits, beside every Redis, for the notification that clients may be moved to it, checks it and claims the publication. Hosted by
/// <c>redis-failover run</c>. If the message is lost, publishing waits a second longer, for Sentinel's switch.
/// </summary>
public sealed class HandOverListener
{
    // Sentinel's CLIENT KILL of a new master ends a connection once; a server that is full is not asked four times a second.
    private static readonly BackoffSchedule Retry = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(2));
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);
    private readonly Func<CancellationToken, Task<HandOverSnapshot>> _look;
    private readonly Func<IRespTransport> _transport;
    private readonly RedisClientOptions _options;
    private readonly Action<HandOverClaim> _claim;
    private readonly Action<HandOverClaimDecision, HandOverSnapshot> _decided;
    private readonly TimeProvider _time;
    private int _failures;

    /// <summary>Creates it; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <param name="look">A look at the own server, the named ones and the Sentinels: <see cref="HandOverGroup.ObserveNamedAsync"/>.</param>
    /// <param name="transport">To the server beside this process.</param>
    /// <param name="options">The sidecars' credentials and deadlines.</param>
    /// <param name="claim">Takes what may be published: <see cref="PublishLoop.Claim"/>.</param>
    /// <param name="decided">Each decision with what it was taken from, for the log; the claim is made by then.</param>
    /// <param name="time">For pauses.</param>
    public HandOverListener(
        Func<CancellationToken, Task<HandOverSnapshot>> look, Func<IRespTransport> transport, RedisClientOptions options, Action<HandOverClaim> claim,
        Action<HandOverClaimDecision, HandOverSnapshot> decided, TimeProvider time) =>
        (_look, _transport, _options, _claim, _decided, _time) = (look, transport, options, claim, decided, time);

    /// <summary>Listens until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await ListenAsync(cancellation).ConfigureAwait(false);
            }
            catch (RedisConnectionException)
            {
                await Task.Delay(Retry.DelayAfter(_failures++, 1), _time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Looks once, and claims where it may.</summary>
    public async Task<HandOverClaimDecision> RoundAsync(CancellationToken cancellation)
    {
        var snapshot = await _look(cancellation).ConfigureAwait(false);
        var decision = HandOverClaimPolicy.Decide(snapshot);
        if (decision is HandOverClaimDecision.Publish publish) _claim(publish.Claim);
        _decided(decision, snapshot);
        return decision;
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        var client = await RedisClient.ConnectAsync(_transport(), _options, cancellation).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            var reply = await client.CallAsync(cancellation, "SUBSCRIBE", HandOverSignal.Channel).ConfigureAwait(false);
            if (reply.IsError) throw new RedisConnectionException(RedisFailure.Protocol, $"SUBSCRIBE {HandOverSignal.Channel}: {reply.Text}");
            _failures = 0;
            while (true)
            {
                if (await client.TryReadMessageAsync(Idle, cancellation).ConfigureAwait(false) is not null) await RoundAsync(cancellation).ConfigureAwait(false);
                else _ = await client.CallAsync(cancellation, "PING").ConfigureAwait(false);
            }
        }
    }
}
