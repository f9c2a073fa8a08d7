using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.Load;

/// <summary>Acknowledged writes that were looked for, and those that were not there.</summary>
/// <param name="Checked">Keys of acknowledged writes that were read.</param>
/// <param name="MissingCount">Those without their value.</param>
/// <param name="Missing">The first hundred of them; all where times are kept.</param>
public sealed record LoadCheck(long Checked, long MissingCount, IReadOnlyList<string> Missing)
{
    /// <summary>When each of <see cref="Missing"/> was acknowledged, on the monotonic clock; empty where times are not kept.</summary>
    public IReadOnlyList<long> MissingAt { get; init; } = [];
}

/// <summary>
/// Writers that behave as a real application does: they find the master through Sentinel, keep their connection, and look
/// again after any error, or leave all of that to StackExchange.Redis (<see cref="LoadClient"/>). Afterwards
/// <see cref="CheckAsync"/> tells whether every acknowledged write is still there.
/// </summary>
public sealed class WriteLoad : IAsyncDisposable
{
    private const int CheckBatch = 500; // keys per MGET
    private const int MissingShown = 100;
    private readonly WriteLoadOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly LibraryClient? _library;
    private readonly Writer[] _writers;
    private readonly Task[] _running;
    private readonly AckMark _sinceStart;
    private bool _stopped;

    private WriteLoad(WriteLoadOptions options)
    {
        _options = options;
        _sinceStart = Acks.Mark();
        _library = options.Client == LoadClient.StackExchangeRedis ? new LibraryClient(options) : null;
        _writers = [.. Enumerable.Range(0, options.Writers).Select(index => new Writer(index, options, Client(index), Acks))];
        _running = [.. _writers.Select(writer => Task.Run(() => writer.RunAsync(_stop.Token)))];
    }

    /// <summary>Acknowledgements: count, current gap, marks.</summary>
    public AckLog Acks { get; } = new();

    /// <summary>The longest time between two acknowledgements since the first one.</summary>
    public TimeSpan LongestGap => _sinceStart.LongestGap;

    /// <summary>Writes refused with an error reply (READONLY, NOREPLICAS …): certainly not executed.</summary>
    public long Refused => _writers.Sum(writer => writer.Refused);

    /// <summary>Writes without an answer: executed or not.</summary>
    public long Unknown => _writers.Sum(writer => (long)writer.Unknown.Count);

    /// <summary>Starts the writers; they wait for a master by themselves.</summary>
    public static WriteLoad Start(WriteLoadOptions options) => new(options);

    /// <summary>Stops after the writes under way; may be called more than once.</summary>
    public async Task StopAsync()
    {
        if (!_stopped) await _stop.CancelAsync();
        _stopped = true;
        await Task.WhenAll(_running);
    }

    /// <summary>
    /// Reads every write that was acknowledged before the call. While writers run this is only right if nothing fails
    /// over meanwhile, since a write that was acknowledged may be lost during the check.
    /// </summary>
    /// <exception cref="RedisConnectionException">The master went away.</exception>
    public async Task<LoadCheck> CheckAsync(RedisEndpoint master, CancellationToken cancellation = default)
    {
        // no application's: it may be busy
        var options = _options.Redis with { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(10) };
        await using var client = await RedisClient.ConnectAsync(_options.Transport(master), options, cancellation);
        long read = 0, missingCount = 0;
        var missing = new List<string>();
        var missingAt = new List<long>();
        for (var writer = 0; writer < _writers.Length; writer++)
        {
            var next = _writers[writer].Next;
            var unknown = _writers[writer].Unknown.ToHashSet();
            for (var from = 0L; from < next; from += CheckBatch)
            {
                var keys = Numbers(from, Math.Min(from + CheckBatch, next)).Where(n => !unknown.Contains(n)).ToArray();
                if (keys.Length == 0) continue;
                var values = await client.CallAsync(cancellation, ["MGET", .. keys.Select(_writers[writer].Key)]);
                if (values.IsError) throw new InvalidOperationException($"{master} refused MGET: {values.Text}");
                for (var i = 0; i < keys.Length; i++)
                {
                    read++;
                    var key = _writers[writer].Key(keys[i]);
                    if (values.Items[i].Text == key) continue;
                    if (missingCount++ < MissingShown || _options.KeepTimes) missing.Add(key);
                    if (_writers[writer].AcknowledgedAt(keys[i]) is { } at) missingAt.Add(at);
                }
            }
        }

        return new LoadCheck(read, missingCount, missing) { MissingAt = missingAt };
    }

    /// <summary>Stops the writers.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_library is not null) await _library.DisposeAsync();
        _stop.Dispose();
    }

    private IMasterClient Client(int index) => _options.Published is { } published
        ? new RecordResolver(_options, published)
        : _library ?? (IMasterClient)new MasterResolver(_options, index);

    private static IEnumerable<long> Numbers(long from, long end)
    {
        for (var n = from; n < end; n++) yield return n;
    }
}
