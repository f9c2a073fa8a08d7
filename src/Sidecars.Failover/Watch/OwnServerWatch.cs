using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Watch;

/// <summary>
/// The server beside this process, looked at once a period and whenever somebody needs it fresh, for all loops together: each says how
/// old a look it accepts. And a connection that is kept only for its end: a process that dies closes it within a millisecond, where
/// Sentinel needs down-after.
/// </summary>
/// <param name="client">Asks.</param>
/// <param name="isLoopback">False: a refused connection proves nothing (another host's port), and nobody is ever called dead.</param>
/// <param name="period">Between two looks; 1 s.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter of the pauses between connections that fail.</param>
/// <param name="remembered">The address that it announced before this process began; null: not known.</param>
public sealed class OwnServerWatch(
    OwnServerClient client, bool isLoopback, TimeSpan period, TimeProvider time, Func<double> random, RedisEndpoint? remembered = null)
    : IOwnServerNotes
{
    // A container's restart takes longer; a process that refuses meanwhile is asked again this often.
    private static readonly TimeSpan WhileDead = TimeSpan.FromMilliseconds(100);

    // A server that is alive and turns us away (maxclients, the login) is not helped by more connections.
    private static readonly BackoffSchedule TurnedAway = new(WhileDead, TimeSpan.FromSeconds(1));

    // A connection that had been and ended is opened again at once: the answer to that is what counts. (Task.Delay takes less than 1 ms for
    // none.)
    private static readonly BackoffSchedule AfterTheEnd = new(TimeSpan.FromMilliseconds(2), TimeSpan.FromSeconds(1));

    private readonly Lock _gate = new();
    private OwnServer _last = new OwnServer.Silent("no poll has completed yet");
    private OwnServer.Answers? _lastAnswer;
    private NodeLook? _lastLook;
    private long _answeredAt;
    private RedisEndpoint? _address = remembered;
    private bool _isAnnounced;
    private bool _hasImpostor;
    private bool _hadConnection;

    // The keeper of the marker looks once a period, and a little later each time: only where it does not, this does.
    private TimeSpan Due => period * 1.25;

    /// <inheritdoc/>
    public Signal Changed { get; } = new();

    /// <inheritdoc/>
    public RedisEndpoint? Address
    {
        get
        {
            lock (_gate) return _address;
        }
    }

    /// <inheritdoc/>
    public OwnServer Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <inheritdoc/>
    public OwnServer.Answers? LastAnswer
    {
        get
        {
            lock (_gate) return _lastAnswer;
        }
    }

    /// <inheritdoc/>
    public TimeSpan? AnsweredAgo
    {
        get
        {
            lock (_gate) return _lastAnswer is null ? null : time.GetElapsedTime(_answeredAt);
        }
    }

    /// <inheritdoc/>
    public NodeLook? LookWithin(TimeSpan age)
    {
        lock (_gate) return _lastAnswer is not null && time.GetElapsedTime(_answeredAt) <= age ? _lastLook : null;
    }

    /// <inheritdoc/>
    public void NoteResolved(RedisEndpoint address)
    {
        lock (_gate)
        {
            if (_address is not null) return;
            _address = address;
        }

        Changed.Raise();
    }

    /// <summary>True where <see cref="Address"/> is the server's own word.</summary>
    public bool IsAnnounced
    {
        get
        {
            lock (_gate) return _isAnnounced;
        }
    }

    /// <inheritdoc/>
    public bool HasImpostor
    {
        get
        {
            lock (_gate) return _hasImpostor;
        }
    }

    /// <inheritdoc/>
    public void NoteImpostor(bool hasImpostor)
    {
        lock (_gate)
        {
            if (_hasImpostor == hasImpostor) return;
            _hasImpostor = hasImpostor;
        }

        Changed.Raise();
    }

    /// <inheritdoc/>
    public async Task<OwnServer> LookAsync(CancellationToken cancellation) => (await AskAsync(cancellation).ConfigureAwait(false)).Server;

    /// <summary>Looks now; what it answered, null: it did not.</summary>
    public async Task<(OwnServer Server, NodeLook? Look)> AskAsync(CancellationToken cancellation)
    {
        var (server, look) = await client.LookAsync(cancellation).ConfigureAwait(false);
        // Silence does not undo a death; only an answer does.
        if (server is OwnServer.Silent && Last is OwnServer.Dead dead) return (dead, null);
        Note(server, look);
        return (server, look);
    }

    /// <inheritdoc/>
    public void NoteEnding(string runId)
    {
        lock (_gate)
        {
            if (_last is OwnServer.Dead || _lastAnswer is not { } last || last.RunId != runId) return;
            _last = new OwnServer.Dead(runId, last.IsMaster, HoldsConnections: true);
        }

        Changed.Raise();
    }

    /// <summary>Watches until it is cancelled; an error in one of its two loops ends both.</summary>
    public Task RunAsync(CancellationToken cancellation) => SideBySide.RunAsync(cancellation, LookAgainAsync, ListenAsync);

    private async Task LookAgainAsync(CancellationToken cancellation)
    {
        var refusals = 0;
        while (true)
        {
            // One poll serves every loop.
            if (AnsweredAgo is { } ago && ago < Due && Last is OwnServer.Answers)
            {
                await Task.Delay(Due - ago, time, cancellation).ConfigureAwait(false);
                continue;
            }

            var began = time.GetTimestamp();
            var look = await LookAsync(cancellation).ConfigureAwait(false);
            // A stopped process has spent the deadlines already: a question must wait for it when it wakes. One that turns us away at once
            // has not.
            refusals = look is OwnServer.Silent && time.GetElapsedTime(began) < WhileDead ? refusals + 1 : 0;
            var pause = look is OwnServer.Answers ? period : refusals > 0 ? TurnedAway.DelayAfter(refusals - 1, random()) : WhileDead;
            await Task.Delay(pause < period ? pause : period, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        var failing = 0;
        while (true)
        {
            var pause = WhileDead;
            long? openedAt = null;
            try
            {
                var connection = await client.ConnectAsync(cancellation).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    (_hadConnection, openedAt) = (true, time.GetTimestamp());
                    if (Last is not OwnServer.Answers) await LookAsync(cancellation).ConfigureAwait(false);
                    while (true) await connection.ReadMessageAsync(cancellation).ConfigureAwait(false);
                }
            }
            catch (RedisConnectionException e)
            {
                // Closed alone proves nothing (CLIENT KILL); closed and refused does.
                if (e.Failure == RedisFailure.Refused && _hadConnection && isLoopback && LastAnswer is { } last)
                    Note(new OwnServer.Dead(last.RunId, last.IsMaster));
                // A server that is full accepts, says so and closes: such a connection never was.
                if (openedAt is { } at && time.GetElapsedTime(at) >= WhileDead) failing = 0;
                // At once after a connection that had been: that is the moment which counts.
                if (e.Failure == RedisFailure.Closed && _hadConnection && Last is not OwnServer.Dead)
                    pause = AfterTheEnd.DelayAfter(failing++, random());
                else if (e.Failure is RedisFailure.Closed or RedisFailure.Auth or RedisFailure.Protocol or RedisFailure.Tls)
                    pause = TurnedAway.DelayAfter(failing++, random());
                else failing = 0;
            }

            await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
        }
    }

    private void Note(OwnServer server, NodeLook? look = null)
    {
        bool isNews;
        lock (_gate)
        {
            isNews = IsNews(_last, server);
            _last = server;
            if (server is OwnServer.Answers answers)
            {
                (_lastAnswer, _lastLook, _answeredAt) = (answers, look, time.GetTimestamp());
                if (answers.Announced is { } announced)
                {
                    isNews |= announced != _address;
                    (_address, _isAnnounced) = (announced, true);
                }
            }
        }

        if (isNews) Changed.Raise();
    }

    private static bool IsNews(OwnServer a, OwnServer b) => a is OwnServer.Answers one && b is OwnServer.Answers other
        ? one.RunId != other.RunId || one.IsMaster != other.IsMaster || one.IsLoading != other.IsLoading
            || one.MinReplicas != other.MinReplicas
        : a.GetType() != b.GetType();
}
