using System.Collections.Immutable;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;

namespace Sidecars.TestKit.Load;

/// <summary>A moment at which several nodes accepted writes.</summary>
/// <param name="At">Since the monitor started.</param>
/// <param name="Nodes">Names of the nodes.</param>
public sealed record DualMasters(TimeSpan At, ImmutableArray<string> Nodes);

/// <summary>
/// Watches for two masters that accept writes. Every node is asked about twenty times a second for its ROLE; only where
/// several say master is each tried with <c>SET … XX</c> of a key that does not exist, which passes all of Redis' checks of
/// a write (READONLY, NOREPLICAS, MISCONF) and changes nothing. Two that accept in turn, the first again after the second,
/// is proof.
/// </summary>
public sealed class MasterMonitor : IAsyncDisposable
{
    private const int FindingsKept = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(300);
    private readonly LocalGroup _group;
    private readonly bool _probeWrites;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<LocalNode, RedisClient> _clients = [];
    private readonly Task _running;

    private MasterMonitor(LocalGroup group, bool probeWrites)
    {
        (_group, _probeWrites) = (group, probeWrites);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Rounds in which several nodes' ROLE was master; harmless while only one accepts writes.</summary>
    public int RoundsWithSeveralMasters { get; private set; }

    /// <summary>Rounds done.</summary>
    public int Rounds { get; private set; }

    /// <summary>Proven; the first hundred.</summary>
    public ImmutableArray<DualMasters> Findings { get; private set; } = [];

    /// <summary>Starts to watch.</summary>
    public static MasterMonitor Start(LocalGroup group, bool probeWrites = true) => new(group, probeWrites);

    /// <summary>Ends the watch; what was found can still be read.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_running.IsCompleted) return; // disposed before
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var roles = await Task.WhenAll(_group.Redis.Select(async node => (Node: node, IsMaster: await IsMasterAsync(node))));
                var masters = roles.Where(r => r.IsMaster).Select(r => r.Node).ToArray();
                Rounds++;
                if (masters.Length > 1)
                {
                    RoundsWithSeveralMasters++;
                    if (_probeWrites) await ProveAsync(masters);
                }

                await Task.Delay(Interval, TimeProvider.System, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // asked to stop
        }
        finally
        {
            foreach (var client in _clients.Values) await client.DisposeAsync();
        }
    }

    private async Task ProveAsync(LocalNode[] masters)
    {
        var accepting = new List<LocalNode>();
        foreach (var node in masters)
            if (await AcceptsAsync(node)) accepting.Add(node);
        if (accepting.Count < 2 || !await AcceptsAsync(accepting[0])) return;
        if (Findings.Length < FindingsKept)
            Findings = Findings.Add(new DualMasters(TimeProvider.System.GetElapsedTime(_started), [.. accepting.Select(n => n.Name)]));
    }

    private async Task<bool> IsMasterAsync(LocalNode node) =>
        await CallAsync(node, "ROLE") is { Items: [{ Text: "master" }, ..] };

    private async Task<bool> AcceptsAsync(LocalNode node) =>
        await CallAsync(node, "SET", "sidecars:probe:never-set", "", "XX") is { IsNull: true };

    // Null: no answer. A connection is kept while it works: a new one for each question would load a small machine.
    private async Task<RespValue?> CallAsync(LocalNode node, params string[] words)
    {
        try
        {
            RedisClient? client;
            lock (_clients) _clients.TryGetValue(node, out client);
            if (client is not { IsUsable: true })
            {
                if (!node.Running) return null;
                client = await _group.ConnectAsync(node, Timeout, _stop.Token);
                lock (_clients) _clients[node] = client;
            }

            return await client.CallAsync(_stop.Token, words);
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }
}
