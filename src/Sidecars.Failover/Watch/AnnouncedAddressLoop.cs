using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Failover.Watch;

/// <summary>
/// Resolves the configured name while the server's address is not known otherwise: from its own configuration, where bootstrap wrote it,
/// or from the marker. Only what needs the address waits for this.
/// </summary>
/// <param name="server">The server.</param>
/// <param name="resolve">Resolves the name; null with the reason where it can't be.</param>
/// <param name="problem">Told the reason.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class AnnouncedAddressLoop(
    IOwnServerNotes server, Func<CancellationToken, Task<(RedisEndpoint? Endpoint, string Why)>> resolve, Action<string> problem,
    TimeProvider time, Func<double> random)
{
    // A change of the address ends it earlier.
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(1);

    // The server's own word is better than a resolver's, which may answer a pod with the pod's own address: it is waited for this long.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly long _startedAt = time.GetTimestamp();
    private readonly RetryPause _failing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)), time, random);

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = server.Changed.Ticket();
            if (server.Address is null && DueIn == TimeSpan.Zero)
            {
                var (endpoint, why) = await resolve(cancellation).ConfigureAwait(false);
                if (endpoint is not null)
                {
                    server.NoteResolved(endpoint);
                }
                else
                {
                    problem(why);
                    _failing.Failed();
                }
            }

            await next.WaitAsync(server.Address is null ? DueIn : Idle, time, cancellation).ConfigureAwait(false);
        }
    }

    private TimeSpan DueIn
    {
        get
        {
            var grace = server.LastAnswer is null ? Grace - time.GetElapsedTime(_startedAt) : TimeSpan.Zero;
            return grace > _failing.Left ? grace : _failing.Left;
        }
    }

    /// <summary>The address, once it is known and another than <paramref name="than"/>.</summary>
    public async Task<RedisEndpoint> WhenAnotherAsync(RedisEndpoint? than, CancellationToken cancellation)
    {
        while (true)
        {
            var next = server.Changed.Ticket();
            if (server.Address is { } address && address != than) return address;
            await next.WaitAsync(Idle, time, cancellation).ConfigureAwait(false);
        }
    }
}
