using System.Collections.Concurrent;
using System.Collections.Immutable;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;

namespace Sidecars.Failover.Watch;

/// <summary>How the Sentinels are watched.</summary>
/// <param name="Period">Between two looks at one Sentinel; 1 s.</param>
/// <param name="MaxAge">A view older than this is no view: 4 s, two looks that each ran into both of their deadlines.</param>
/// <param name="ResolvePeriod">Between two resolutions of the names; 5 s.</param>
public sealed record SentinelWatchSettings(TimeSpan Period, TimeSpan MaxAge, TimeSpan ResolvePeriod)
{
    /// <summary>What the Sentinels' INFO-PERIODs are set to (<see cref="Watch.InfoPeriod.Of"/>); null: they are left as they are.</summary>
    public TimeSpan? InfoPeriod { get; init; }

    /// <summary>1 s, 4 s, 5 s.</summary>
    public static SentinelWatchSettings Default { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5));
}

/// <summary>What the Sentinels say, for those who decide on it.</summary>
public interface ISentinelViews
{
    /// <summary>Raised after each look that shows something else than the one before.</summary>
    Signal Changed { get; }

    /// <summary>Moment (timestamp of the time provider) at which the last event of a Sentinel came; 0: none yet.</summary>
    long LastEventAt { get; }

    /// <summary>One for each Sentinel; what is too old is <see cref="SentinelObservation.Unknown"/>, which contradicts nothing.</summary>
    IReadOnlyCollection<SentinelObservation> Observe();

    /// <summary>
    /// How long ago so many Sentinels were asked that still have answered; null: so many do not answer. Counted from the question, so
    /// that it is never younger than what they knew.
    /// </summary>
    /// <param name="votes">Distinct ids that must have answered, at least 1.</param>
    TimeSpan? AnsweredAgo(int votes);
}

/// <summary>
/// What every Sentinel says, kept up to date: each is asked once a period and at once when it publishes an event, apart from the
/// others, so that a dead one (a connection that hangs) delays nobody's view of the living. Their names are resolved again and
/// again. Events only accelerate: what counts is what is read afterwards, on a new connection.
/// </summary>
/// <param name="resolve">The addresses of the Sentinels now; an empty answer keeps those known before.</param>
/// <param name="transport">Makes the transport to an address.</param>
/// <param name="options">Credentials and deadlines.</param>
/// <param name="client">Reads a view.</param>
/// <param name="settings">Rhythm.</param>
/// <param name="keep">
/// Keeps the watch of one Sentinel running: it fails alone, is seen to, and is started again. Name, loop, its end.
/// </param>
/// <param name="time">Its clock.</param>
/// <param name="infoPeriodRefused">Told why a Sentinel keeps its own INFO-PERIOD: failovers take up to a second longer there.</param>
public sealed class SentinelWatch(
    Func<CancellationToken, Task<ImmutableArray<RedisEndpoint>>> resolve,
    Func<RedisEndpoint, IRespTransport> transport,
    RedisClientOptions options,
    SentinelClient client,
    SentinelWatchSettings settings,
    Func<string, Func<CancellationToken, Task>, CancellationToken, Task> keep,
    TimeProvider time,
    Action<string>? infoPeriodRefused = null) : ISentinelViews
{
    // A Sentinel that was cut off is found again within this and a deadline.
    private static readonly TimeSpan AfterSilence = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<RedisEndpoint, Member> _members = new();

    /// <inheritdoc/>
    public Signal Changed { get; } = new();

    /// <inheritdoc/>
    public long LastEventAt { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyCollection<SentinelObservation> Observe()
    {
        var views = new List<SentinelObservation>();
        foreach (var member in _members.Values)
        {
            if (member.View is not { } view) continue;
            views.Add(time.GetElapsedTime(view.At) <= settings.MaxAge
                ? view.Observation
                : new SentinelObservation.Unknown(member.Endpoint, $"its last view is older than {DurationText.Of(settings.MaxAge)}"));
        }

        return views;
    }

    /// <inheritdoc/>
    public TimeSpan? AnsweredAgo(int votes)
    {
        var asked = _members.Values.Select(m => m.View).Where(v => v?.Observation is SentinelObservation.Known)
            .GroupBy(v => ((SentinelObservation.Known)v!.Observation).View.MyId, StringComparer.Ordinal)
            .Select(g => g.Max(v => v!.AskedAt)).OrderDescending().Skip(votes - 1).ToList();
        return asked.Count == 0 ? null : time.GetElapsedTime(asked[0]);
    }

    /// <summary>Watches until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var running = new Dictionary<RedisEndpoint, (CancellationTokenSource Stop, Task Task)>();
        try
        {
            while (true)
            {
                var found = await resolve(cancellation).ConfigureAwait(false);
                foreach (var gone in found.IsEmpty ? [] : running.Keys.Except(found).ToList())
                {
                    await StopAsync(running[gone]).ConfigureAwait(false);
                    running.Remove(gone);
                    _members.TryRemove(gone, out _);
                    Changed.Raise();
                }

                var ranked = found.OrderBy(e => e.ToString(), StringComparer.Ordinal).ToList();
                foreach (var endpoint in found.Where(endpoint => !running.ContainsKey(endpoint)))
                {
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                    var member = _members[endpoint] = new Member(endpoint, ranked.IndexOf(endpoint));
                    running[endpoint] = (stop, keep($"sentinel {endpoint}", ct => WatchAsync(member, ct), stop.Token));
                }

                await Task.Delay(settings.ResolvePeriod, time, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (var one in running.Values) await StopAsync(one).ConfigureAwait(false);
        }
    }

    private Task WatchAsync(Member member, CancellationToken cancellation) =>
        SideBySide.RunAsync(cancellation, look => LookAsync(member, look), listen => ListenAsync(member, listen));

    private static async Task StopAsync((CancellationTokenSource Stop, Task Task) one)
    {
        await one.Stop.CancelAsync().ConfigureAwait(false);
        await one.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        one.Stop.Dispose();
    }

    private async Task LookAsync(Member member, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var next = member.Poked.Ticket();
            var asked = time.GetTimestamp();
            var observation = await client.ObserveAsync(member.Endpoint, cancellation).ConfigureAwait(false);
            var isNews = member.View is not { } last || IsNews(last.Observation, observation);
            member.View = new Seen(observation, asked, time.GetTimestamp());
            if (isNews) Changed.Raise();
            var pause = observation is SentinelObservation.Known || settings.Period < AfterSilence ? settings.Period : AfterSilence;
            await next.WaitAsync(pause, time, cancellation).ConfigureAwait(false);
        }
    }

    private Task ListenAsync(Member member, CancellationToken cancellation)
    {
        TimeSpan? infoPeriod = settings.InfoPeriod is { } period ? InfoPeriod.Of(period, member.Rank) : null;
        var kept = new SentinelSubscriptionSettings(settings.ResolvePeriod, settings.Period, infoPeriod);
        return new SentinelSubscription(transport(member.Endpoint), options, kept, time).RunAsync(
            subscribed: member.Poked.Raise, // what happened while nobody listened
            heard: () =>
            {
                LastEventAt = time.GetTimestamp();
                member.Poked.Raise();
            },
            error => infoPeriodRefused?.Invoke(
                $"Sentinel {member.Endpoint} keeps its own INFO-PERIOD, so that it fails over up to a second later: {error}"),
            cancellation);
    }

    // Offsets change all the time and are nobody's news.
    private static bool IsNews(SentinelObservation last, SentinelObservation next)
    {
        if (last is not SentinelObservation.Known { View: var a } || next is not SentinelObservation.Known { View: var b })
            return last.GetType() != next.GetType();
        return a.MyId != b.MyId || a.Tilt != b.Tilt || a.Master != b.Master
            || a.Replicas.Count(r => r.Promotable) != b.Replicas.Count(r => r.Promotable)
            || a.Replicas.Count(r => r.Chosen) != b.Replicas.Count(r => r.Chosen);
    }

    private sealed record Seen(SentinelObservation Observation, long AskedAt, long At);

    private sealed class Member(RedisEndpoint endpoint, int rank)
    {
        private Seen? _view;

        public RedisEndpoint Endpoint { get; } = endpoint;

        public int Rank { get; } = rank;

        public Signal Poked { get; } = new();

        public Seen? View
        {
            get => Volatile.Read(ref _view);
            set => Volatile.Write(ref _view, value);
        }
    }
}
