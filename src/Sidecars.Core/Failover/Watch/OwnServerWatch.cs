using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Failover.Watch;

/// <summary>
/// The server beside this process, looked at once a period and whenever somebody needs it fresh, for all loops together: each says how
/// old a look it accepts. And a connection that is kept only for its end: a process that dies closes it within a millisecond, where
/// Sentinel needs down-after.
/// </summary>
/// <param name="client">Asks.</param>
/// <param name="isLoopback">False: a refused connection proves nothing (another host's port), and nobody is ever called dead.</param>
/// <param name="period">Between two looks; 1 s.</param>
/// <param name="time">Its clock.</param>
public sealed class OwnServerWatch(OwnServerClient client, bool isLoopback, TimeSpan period, TimeProvider time)
{
    // A container's restart takes longer; a process that refuses meanwhile is asked again this often.
    private static readonly TimeSpan WhileDead = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WhileSilent = WhileDead;

    private readonly Lock _gate = new();
    private OwnServer _last = new OwnServer.Silent("not asked yet");
    private OwnServer.Answers? _lastAnswer;
    private ServerReplies? _lastReplies;
    private long _answeredAt;

    // The keeper of the marker looks once a period, and a little later each time: only where it does not, this does.
    private TimeSpan Due => period * 1.25;

    /// <summary>Raised when role, process, death or the fence's value is another.</summary>
    public Broadcast Changed { get; } = new();

    /// <summary>The last look.</summary>
    public OwnServer Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <summary>What it said when it last answered, however long ago; null: it never did.</summary>
    public OwnServer.Answers? LastAnswer
    {
        get
        {
            lock (_gate) return _lastAnswer;
        }
    }

    /// <summary>Time since it last answered; null: it never did.</summary>
    public TimeSpan? AnsweredAgo
    {
        get
        {
            lock (_gate) return _lastAnswer is null ? null : time.GetElapsedTime(_answeredAt);
        }
    }

    /// <summary>What it answered last, where that is no older; null: it did not answer since.</summary>
    public ServerReplies? RepliesWithin(TimeSpan age)
    {
        lock (_gate) return _lastAnswer is not null && time.GetElapsedTime(_answeredAt) <= age ? _lastReplies : null;
    }

    /// <summary>Looks now.</summary>
    public async Task<OwnServer> LookAsync(CancellationToken cancellation) => (await AskAsync(cancellation).ConfigureAwait(false)).Server;

    /// <summary>Looks now; what it answered, null: it did not.</summary>
    public async Task<(OwnServer Server, ServerReplies? Replies)> AskAsync(CancellationToken cancellation)
    {
        var (look, replies) = await client.LookAsync(cancellation).ConfigureAwait(false);
        // Silence does not undo a death; only an answer does.
        if (look is OwnServer.Silent && Last is OwnServer.Dead dead) return (dead, null);
        Note(look, replies);
        return (look, replies);
    }

    /// <summary>The kernel ends that process, whose connections may stand for a while yet.</summary>
    public void NoteEnding(string runId)
    {
        lock (_gate)
        {
            if (_last is OwnServer.Dead || _lastAnswer is not { } last || last.RunId != runId) return;
            _last = new OwnServer.Dead(runId, last.IsMaster, HoldsConnections: true);
        }

        Changed.Raise();
    }

    /// <summary>Watches until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(LookAgainAsync(cancellation), ListenAsync(cancellation));

    private async Task LookAgainAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // Whoever looked last, looked for all.
            if (AnsweredAgo is { } ago && ago < Due && Last is OwnServer.Answers)
            {
                await Task.Delay(Due - ago, time, cancellation).ConfigureAwait(false);
                continue;
            }

            var look = await LookAsync(cancellation).ConfigureAwait(false);
            // A stopped process has spent the deadlines already: a question must wait for it when it wakes.
            await Task.Delay(look is OwnServer.Answers ? period : WhileSilent, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        var hadConnection = false;
        while (true)
        {
            try
            {
                var connection = await client.ConnectAsync(cancellation).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    hadConnection = true;
                    if (Last is not OwnServer.Answers) await LookAsync(cancellation).ConfigureAwait(false);
                    while (true) await connection.ReadMessageAsync(cancellation).ConfigureAwait(false);
                }
            }
            catch (RedisConnectionException e)
            {
                // Closed alone proves nothing (CLIENT KILL); closed and refused does.
                if (e.Failure == RedisFailure.Refused && hadConnection && isLoopback && LastAnswer is { } last) Note(new OwnServer.Dead(last.RunId, last.IsMaster));
                // At once after a connection that had been: that is the moment which counts.
                if (e.Failure == RedisFailure.Closed && hadConnection && Last is not OwnServer.Dead)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation).ConfigureAwait(false);
                    continue;
                }
            }

            await Task.Delay(WhileDead, time, cancellation).ConfigureAwait(false);
        }
    }

    private void Note(OwnServer look, ServerReplies? replies = null)
    {
        bool isNews;
        lock (_gate)
        {
            isNews = IsNews(_last, look);
            _last = look;
            if (look is OwnServer.Answers answers) (_lastAnswer, _lastReplies, _answeredAt) = (answers, replies, time.GetTimestamp());
        }

        if (isNews) Changed.Raise();
    }

    private static bool IsNews(OwnServer a, OwnServer b) => a is OwnServer.Answers one && b is OwnServer.Answers other
        ? one.RunId != other.RunId || one.IsMaster != other.IsMaster || one.IsLoading != other.IsLoading || one.MinReplicas != other.MinReplicas
        : a.GetType() != b.GetType();
}
