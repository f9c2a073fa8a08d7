using System.Globalization;

namespace Sidecars.TestKit.Load;

/// <summary>
/// One closed-loop writer: SET of <c>w[writer]:[n]</c> with the key as its value, n rising by one with each write whose
/// outcome is final. A write that the server refused (an error reply: it was not executed), or that was never sent, is tried again
/// under the same number, unless a later one of its batch is final; one without an answer may or may not have been executed, and
/// its number is remembered as unknown. So all numbers below <see cref="Next"/> that are not unknown are acknowledged, which costs
/// no memory however many there are.
/// </summary>
internal sealed class Writer(int index, WriteLoadOptions options, IMasterClient client, AckLog acks)
{
    private static readonly TimeSpan RefusedPause = TimeSpan.FromMilliseconds(10);
    private readonly List<long> _unknown = [];
    private readonly List<long> _times = []; // of each number, 0 where it is unknown
    private long _next;
    private long _refused;

    /// <summary>The number of the next write.</summary>
    public long Next => Interlocked.Read(ref _next);

    /// <summary>Error replies so far.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Numbers below <see cref="Next"/> whose write had no answer, rising.</summary>
    public IReadOnlyList<long> Unknown
    {
        get
        {
            lock (_unknown) return [.. _unknown];
        }
    }

    /// <summary>The key of a number, which is its value too.</summary>
    public string Key(long number) => string.Create(CultureInfo.InvariantCulture, $"{options.KeyPrefix}w{index}:{number}");

    /// <summary>When a number was acknowledged, on the monotonic clock; null where that is not kept.</summary>
    public long? AcknowledgedAt(long number)
    {
        lock (_times) return number < _times.Count ? _times[(int)number] : null;
    }

    /// <summary>Writes until cancelled; then lets the write under way finish, so that it does not become unknown.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var pace = new Pace(options.WritesPerSecond / (double)options.Writers);
        try
        {
            while (true)
            {
                await using var master = await client.ConnectAsync(stop);
                while (await WriteAsync(master, stop)) await pace.WaitAsync(options.Pipeline, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // asked to stop
        }
    }

    // False: this connection is no good any more, connect again.
    private async Task<bool> WriteAsync(IMasterConnection master, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var results = await master.WriteAsync([.. Enumerable.Range(0, options.Pipeline).Select(i => Key(_next + i))]);
        Interlocked.Add(ref _refused, results.Count(result => result == WriteResult.Refused));
        var final = results.Count;
        while (final > 0 && results[final - 1] is WriteResult.Refused or WriteResult.NotSent) final--;
        foreach (var result in results.Take(final))
        {
            var isDone = result == WriteResult.Acknowledged;
            if (isDone) acks.Acknowledged();
            else lock (_unknown) _unknown.Add(_next);
            Keep(isDone ? TimeProvider.System.GetTimestamp() : 0);
            Interlocked.Increment(ref _next);
        }

        if (final < results.Count) await Task.Delay(RefusedPause, TimeProvider.System, stop);
        return results.All(result => result == WriteResult.Acknowledged);
    }

    private void Keep(long timestamp)
    {
        if (!options.KeepTimes) return;
        lock (_times) _times.Add(timestamp);
    }

    // Keeps a writer to its rate, in small bursts since timers are no finer than a millisecond.
    private sealed class Pace(double perSecond)
    {
        private static readonly TimeSpan Slot = TimeSpan.FromMilliseconds(2);
        private long _slotStarted = TimeProvider.System.GetTimestamp();
        private double _left;

        public async ValueTask WaitAsync(int writes, CancellationToken stop)
        {
            if (perSecond <= 0) return;
            _left -= writes;
            while (_left < 0)
            {
                await Task.Delay(Slot, TimeProvider.System, stop);
                var elapsed = TimeProvider.System.GetElapsedTime(_slotStarted);
                _slotStarted = TimeProvider.System.GetTimestamp();
                _left += Math.Min(perSecond * elapsed.TotalSeconds, perSecond); // after an outage no burst of what was missed
            }
        }
    }
}
