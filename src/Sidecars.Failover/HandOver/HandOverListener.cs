using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// Waits, beside every Redis, for the word that clients may move to it, checks it and publishes everywhere at once. Hosted by
/// <c>redis-failover run</c>. A message lost costs the second until Sentinel's switch, and nothing else.
/// </summary>
public sealed class HandOverListener
{
    // Sentinel's CLIENT KILL of a new master ends a connection once; a server that is full is not asked four times a second.
    private static readonly BackoffSchedule Retry = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(2));
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);
    private readonly Func<CancellationToken, Task<HandOverSnapshot>> _look;
    private readonly Func<IRespTransport> _transport;
    private readonly RedisClientOptions _options;
    private readonly IReadOnlyList<IHandOverPublisher> _publishers;
    private readonly Action<HandOverClaimDecision, HandOverSnapshot> _decided;
    private readonly Action<IHandOverPublisher, string?> _published;
    private readonly TimeProvider _time;
    private int _failures;

    /// <summary>Creates it; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <param name="look">A look at the own server, the named ones and the Sentinels: <see cref="HandOverGroup.ObserveNamedAsync"/>.</param>
    /// <param name="transport">To the server beside this process.</param>
    /// <param name="options">The sidecars' credentials and deadlines.</param>
    /// <param name="publishers">All are called at the same time; each failing alone leaves the others working.</param>
    /// <param name="decided">Each decision with what it was taken from, for the log; the calls are on their way by then.</param>
    /// <param name="published">Each outcome; null: done.</param>
    /// <param name="time">For pauses.</param>
    public HandOverListener(
        Func<CancellationToken, Task<HandOverSnapshot>> look, Func<IRespTransport> transport, RedisClientOptions options, IReadOnlyList<IHandOverPublisher> publishers,
        Action<HandOverClaimDecision, HandOverSnapshot> decided, Action<IHandOverPublisher, string?> published, TimeProvider time) =>
        (_look, _transport, _options, _publishers, _decided, _published, _time) = (look, transport, options, publishers, decided, published, time);

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

    /// <summary>Looks once, and publishes where it may.</summary>
    public async Task<HandOverClaimDecision> RoundAsync(CancellationToken cancellation)
    {
        var snapshot = await _look(cancellation).ConfigureAwait(false);
        var decision = HandOverClaimPolicy.Decide(snapshot);
        Task[] calls = decision is HandOverClaimDecision.Publish publish ? [.. _publishers.Select(p => PublishAsync(p, publish.Claim, cancellation))] : [];
        _decided(decision, snapshot);
        await Task.WhenAll(calls).ConfigureAwait(false);
        return decision;
    }

    private async Task PublishAsync(IHandOverPublisher publisher, HandOverClaim claim, CancellationToken cancellation) =>
        _published(publisher, await publisher.PublishAsync(claim, cancellation).ConfigureAwait(false));

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
