using Sidecars.Core.Primitives;
using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;

namespace Sidecars.Demo;

/// <summary>Acknowledged writes that were looked for.</summary>
/// <param name="Checked">How many.</param>
/// <param name="Missing">How many of them are not there.</param>
/// <param name="Examples">A few keys of those.</param>
internal sealed record WritesCheck(long Checked, long Missing, IReadOnlyList<string> Examples);

/// <summary>A moment from which the gaps of both kinds of clients are measured.</summary>
internal sealed record WritersMark(AckMark Sentinel, AckMark? Record)
{
    public long Count => Sentinel.Count + (Record?.Count ?? 0);

    /// <summary>True: every kind of client has written more than these.</summary>
    public bool IsBeyond((long Sentinel, long Record) counts) =>
        Sentinel.Count > counts.Sentinel && (Record is null || Record.Count > counts.Record);

    public (long Sentinel, long Record) Counts => (Sentinel.Count, Record?.Count ?? 0);
}

/// <summary>The clients: those that follow Sentinel, and where a record is published, those that follow it.</summary>
internal sealed class StageWriters : IAsyncDisposable
{
    private const int RecordWriters = 2;
    private const int RecordRate = 400; // a tenth of the others' default: enough to measure a gap of a few milliseconds

    public StageWriters(DemoOptions options, LocalGroup group, PublishedRecord? record)
    {
        var load = new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName)
        {
            Writers = options.Writers,
            WritesPerSecond = options.Rate,
            Client = options.Client,
            Transport = group.Options.Pods is { } pods ? pods.Network.Hosts[^1].Namespace.Transport : group.Options.Transport,
            KeepTimes = record is not null, // a restore to a second has the writes until then
        };
        Sentinel = WriteLoad.Start(load);
        if (record is not null)
            Record = WriteLoad.Start(load with
            {
                Writers = RecordWriters,
                WritesPerSecond = RecordRate,
                Client = LoadClient.Direct,
                KeyPrefix = "record:",
                Published = record.Endpoint,
            });
    }

    /// <summary>Clients that follow Sentinel.</summary>
    public WriteLoad Sentinel { get; }

    /// <summary>Clients that follow the record; null: none is published.</summary>
    public WriteLoad? Record { get; }

    public long Acknowledged => All.Sum(load => load.Acks.Count);

    public long Refused => All.Sum(load => load.Refused);

    public long Unanswered => All.Sum(load => load.Unknown);

    private IEnumerable<WriteLoad> All => Record is null ? [Sentinel] : [Sentinel, Record];

    /// <summary>Gaps are measured apart from now on.</summary>
    public WritersMark Mark() => new(Sentinel.Acks.Mark(), Record?.Acks.Mark());

    /// <summary>Looks for everything that was acknowledged.</summary>
    public async Task<WritesCheck> CheckAsync(RedisEndpoint master, CancellationToken cancellation)
    {
        var checks = await ChecksAsync(master, cancellation);
        return new WritesCheck(checks.Sum(c => c.Checked), checks.Sum(c => c.MissingCount), [.. checks.SelectMany(c => c.Missing).Take(5)]);
    }

    /// <summary>How much of what was acknowledged before a moment a server does not have.</summary>
    /// <param name="server">Any Redis.</param>
    /// <param name="moment">On the monotonic clock.</param>
    /// <param name="cancellation">Ends a wait.</param>
    public async Task<long> MissingOfBeforeAsync(RedisEndpoint server, long moment, CancellationToken cancellation) =>
        (await ChecksAsync(server, cancellation)).Sum(check => check.MissingAt.Count(at => at < moment));

    public async Task StopAsync()
    {
        foreach (var load in All) await load.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var load in All) await load.DisposeAsync();
    }

    private async Task<IReadOnlyList<LoadCheck>> ChecksAsync(RedisEndpoint server, CancellationToken cancellation)
    {
        var checks = new List<LoadCheck>();
        foreach (var load in All) checks.Add(await load.CheckAsync(server, cancellation));
        return checks;
    }
}
