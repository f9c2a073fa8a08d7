using System.Globalization;
using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>What an application noticed of one run.</summary>
/// <param name="LongestGapMs">Between two acknowledged writes, of all writers of the client together.</param>
/// <param name="Acknowledged">Writes.</param>
/// <param name="Errors">That the application saw, by type.</param>
internal sealed record Noticed(double LongestGapMs, long Acknowledged, IReadOnlyDictionary<string, long> Errors)
{
    /// <summary>See <see cref="SwitchStage.ToldWithinMs"/>.</summary>
    public double? ToldWithinMs { get; init; }
}

/// <summary>Somebody who writes while the master moves.</summary>
internal interface ISwitchWriter : IAsyncDisposable
{
    /// <summary>Its last words, for the message of a failed run.</summary>
    string Tail { get; }

    /// <summary>Gaps count from now on.</summary>
    void Mark();

    /// <summary>Ends it after the write under way.</summary>
    Task<Noticed> StopAsync();

    /// <summary>Acknowledged writes that this master does not have.</summary>
    Task<long> LostAsync(RedisEndpoint master, CancellationToken cancellation);
}

/// <summary>Four writers of the kit: through Sentinel, again at once after any error.</summary>
internal sealed class InHouseWriters(LocalGroup group, string prefix) : ISwitchWriter
{
    private readonly WriteLoad _load = WriteLoad.Start(
        new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName) { KeyPrefix = prefix });

    private AckMark? _mark;

    public string Tail =>
        FormattableString.Invariant($"{_load.Acks.Count} acknowledged, {_load.Refused} refused, {_load.Unknown} unanswered");

    public void Mark() => _mark = _load.Acks.Mark();

    public async Task<Noticed> StopAsync()
    {
        var gap = _mark!.LongestGap;
        await _load.StopAsync();
        var errors = new Dictionary<string, long> { ["refused"] = _load.Refused, ["unanswered"] = _load.Unknown };
        return new Noticed(gap.TotalMilliseconds, _load.Acks.Count, errors.Where(e => e.Value > 0).ToDictionary());
    }

    public async Task<long> LostAsync(RedisEndpoint master, CancellationToken cancellation) =>
        (await _load.CheckAsync(master, cancellation)).MissingCount;

    public ValueTask DisposeAsync() => _load.DisposeAsync();
}

/// <summary>A program of <c>Clients/</c>, which says in lines of JSON what it noticed.</summary>
internal sealed class StockWriter : ISwitchWriter
{
    private const double ShortestGapMs = 5; // what the programs do not tell is no longer than that
    private const int CheckBatch = 500; // keys per MGET
    private const int EndedBySigterm = 143; // what a JVM ends with, though its hook waited for the last write
    private static readonly TimeSpan EndDeadline = TimeSpan.FromSeconds(30);
    private readonly LocalGroup _group;
    private readonly ServerProcess _process;
    private readonly string _prefix;
    private double _from;
    private long _acknowledged;

    private StockWriter(LocalGroup group, ServerProcess process, string prefix) => (_group, _process, _prefix) = (group, process, prefix);

    public static async Task<StockWriter> StartAsync(SwitchStage stage, FoundClient client, string prefix)
    {
        var group = stage.Group;
        var ports = group.Redis.ToDictionary(node => node.PodAddress, node => node.Endpoint.Port);
        var name = client.Client.FollowsRecord ? SwitchStage.RecordName : group.Options.EffectiveMasterName;
        var start = new ServerStart(client.Program![0], [.. client.Program[1..], string.Join(',', group.SentinelEndpoints), name, prefix])
        {
            Name = client.Client.Name,
            Environment = new Dictionary<string, string> { ["ZONE_FILE"] = stage.ZoneFile, ["PORTS"] = JsonSerializer.Serialize(ports) },
        };
        return new StockWriter(group, await ServerProcess.StartAsync(start), prefix);
    }

    public string Tail => _process.Tail(8);

    public void Mark() => _from = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    public async Task<Noticed> StopAsync()
    {
        var code = await _process.TerminateAsync(EndDeadline);
        var said = _process.Output.Where(line => line.StartsWith('{'));
        JsonElement[] lines = [.. said.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
        var summary = lines.LastOrDefault(line => line.TryGetProperty("acknowledged", out _));
        if (code is not (0 or EndedBySigterm) || summary.ValueKind != JsonValueKind.Object)
            throw new InvalidOperationException(FormattableString.Invariant($"the client ended with {code}"));
        _acknowledged = summary.GetProperty("acknowledged").GetInt64();
        var gaps = lines.Where(l => l.TryGetProperty("gap_ms", out _) && l.GetProperty("ended").GetDouble() >= _from)
            .Select(l => l.GetProperty("gap_ms").GetDouble());
        var errors = summary.GetProperty("errors").EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetInt64());
        return new Noticed(gaps.DefaultIfEmpty(ShortestGapMs).Max(), _acknowledged, errors);
    }

    public async Task<long> LostAsync(RedisEndpoint master, CancellationToken cancellation)
    {
        await using var client = await _group.ConnectAsync(_group.NodeAt(master)!, EndDeadline, cancellation);
        var lost = 0L;
        for (var from = 1L; from <= _acknowledged; from += CheckBatch)
        {
            var count = (int)Math.Min(CheckBatch, _acknowledged - from + 1);
            string[] numbers = [.. Enumerable.Range(0, count).Select(i => (from + i).ToString(CultureInfo.InvariantCulture))];
            var values = await client.CallAsync(cancellation, ["MGET", .. numbers.Select(n => _prefix + n)]);
            if (values.IsError) throw new InvalidOperationException($"{master} refused MGET: {values.Text}");
            lost += numbers.Where((number, i) => values.Items[i].Text != number).Count();
        }

        return lost;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
