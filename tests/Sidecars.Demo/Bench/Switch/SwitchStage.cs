using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Bench.Switch;

/// <summary>A group of 3 + 3 with a sidecar beside each Redis, which publish the master to a zone file.</summary>
internal sealed class SwitchStage : IAsyncDisposable
{
    public const string RecordName = "redis.example.org";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90); // two elections of Sentinel, on a busy machine
    private static readonly TimeSpan HookDeadline = TimeSpan.FromSeconds(40);
    private readonly Dictionary<LocalNode, ServerProcess> _sidecars = [];
    private readonly CancellationToken _cancellation;

    private SwitchStage(CancellationToken cancellation) => _cancellation = cancellation;

    public LocalGroup Group { get; } = new(new LocalGroupOptions { Name = "switch" });

    public string ZoneFile => Path.Combine(Group.Folder, "zone");

    private Dictionary<string, string> Publishing => new() { ["DNS_NAME"] = RecordName, ["ZONE_FILE"] = ZoneFile };

    public static async Task<SwitchStage> StartAsync(CancellationToken cancellation)
    {
        var stage = new SwitchStage(cancellation);
        try
        {
            await stage.Group.StartAsync(cancellation: cancellation);
            foreach (var node in stage.Group.Redis) await stage.StartSidecarAsync(node);
            var state = await stage.WaitAsync("a whole group", seen => seen.Problem is null);
            var record = $" A {state.Master!.Node.PodAddress}\n";
            await Eventually.UntilAsync(
                "the record of the master",
                async () => File.Exists(stage.ZoneFile)
                    && (await File.ReadAllTextAsync(stage.ZoneFile, cancellation)).Contains(record, StringComparison.Ordinal),
                Deadline, cancellation: cancellation);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public Task<GroupState> WaitAsync(string what, Func<GroupState, bool> condition) =>
        Group.WaitForAsync(what, condition, Deadline, _cancellation);

    /// <summary>Of a whole group.</summary>
    public async Task<LocalNode> MasterAsync() => (await WaitAsync("a whole group", state => state.Problem is null)).Master!.Node;

    public async Task StartSidecarAsync(LocalNode node) => _sidecars[node] = await Group.StartSidecarAsync(node, Publishing);

    public async Task EndSidecarAsync(LocalNode node)
    {
        if (!_sidecars.Remove(node, out var sidecar)) throw new InvalidOperationException($"no sidecar runs beside {node}");
        await using (sidecar) await sidecar.TerminateAsync(HookDeadline);
    }

    /// <summary>Runs the preStop hook of a node's pod.</summary>
    /// <exception cref="InvalidOperationException">It moved nothing where it should have.</exception>
    public async Task StepDownAsync(LocalNode node)
    {
        await using var hook = await Group.StartFailoverAsync(node, ["step-down", "--timeout", "25s"], Publishing);
        var code = await hook.WaitForExitAsync(HookDeadline);
        if (code != ExitCode.Ok)
            throw new InvalidOperationException(FormattableString.Invariant($"step-down of {node} ended with {code}\n{hook.Tail(5)}"));
    }

    /// <summary>Keys that the master holds.</summary>
    public async Task<long> KeysAsync(RedisEndpoint master)
    {
        await using var client = await Group.ConnectAsync(Group.NodeAt(master)!, HookDeadline, _cancellation);
        var reply = await client.CallAsync(_cancellation, "DBSIZE");
        return ReplyText.TryInt64(reply, out var keys) ? keys : throw new InvalidOperationException($"{master} refused DBSIZE");
    }

    /// <summary>What the group's processes have said since a moment, in the order of their own times where they have one.</summary>
    /// <param name="since">Numbers of lines that they had said before; see <see cref="LinesSoFar"/>.</param>
    public IEnumerable<string> LinesAfter(IReadOnlyDictionary<string, int> since) =>
        Processes().SelectMany(p => p.Process.Output.Skip(since.GetValueOrDefault(p.Name)).Select(line => $"{p.Name}: {line}"));

    /// <summary>
    /// Milliseconds from the promotion of a replica to the last Sentinel's switch, by the times in the servers' logs; null where not every
    /// Sentinel has logged one switch, and one Redis its promotion.
    /// </summary>
    /// <param name="since">See <see cref="LinesAfter"/>.</param>
    public double? ToldWithinMs(IReadOnlyDictionary<string, int> since)
    {
        var lines = LinesAfter(since).ToList();
        var promoted = lines.Where(line => line.Contains("MASTER MODE enabled", StringComparison.Ordinal)).Select(TimeOf).ToList();
        var switched = lines.Where(line => line.Contains("+switch-master", StringComparison.Ordinal)).Select(TimeOf).ToList();
        return promoted.Count == 1 && switched.Count == Group.Sentinels.Length ? (switched.Max() - promoted[0]).TotalMilliseconds : null;
    }

    /// <summary>How many lines each process has said.</summary>
    public IReadOnlyDictionary<string, int> LinesSoFar() => Processes().ToDictionary(p => p.Name, p => p.Process.Output.Count);

    /// <summary>Removes everything that a run wrote.</summary>
    public async Task EmptyAsync()
    {
        await using var client = await Group.ConnectAsync(await MasterAsync(), HookDeadline, _cancellation);
        await client.CallAsync(_cancellation, "FLUSHALL", "ASYNC");
    }

    // redis-1: 404:S 30 Nov 2026 15:05:41.400 * text
    private static TimeSpan TimeOf(string line) =>
        TimeSpan.ParseExact(line.Split(' ')[5], @"hh\:mm\:ss\.fff", CultureInfo.InvariantCulture);

    private IEnumerable<(string Name, ServerProcess Process)> Processes() =>
    [
        .. _sidecars.Select(s => ($"sidecar of {s.Key.Name}", s.Value)),
        .. Group.Redis.Concat(Group.Sentinels).Where(n => n.Process is not null).Select(n => (n.Name, n.Process!)),
    ];

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars.Values) await sidecar.DisposeAsync();
        await Group.DisposeAsync();
    }
}
