using System.Collections.Immutable;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Groups;

namespace Sidecars.TestKit.Load;

/// <summary>A moment at which several nodes accepted writes.</summary>
/// <param name="At">Since the monitor started.</param>
/// <param name="Nodes">Names of the nodes.</param>
public sealed record DualMasters(TimeSpan At, ImmutableArray<string> Nodes);

/// <summary>For how long it went on: from the first proof to the last of those that follow each other.</summary>
/// <param name="From">Since the monitor started.</param>
/// <param name="To">Since the monitor started.</param>
/// <param name="Nodes">Names of all that took part.</param>
public sealed record DualMasterSpan(TimeSpan From, TimeSpan To, ImmutableArray<string> Nodes)
{
    /// <summary>Its length.</summary>
    public TimeSpan Length => To - From;
}

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
    private static readonly TimeSpan SameSpan = TimeSpan.FromSeconds(1); // a round takes longer where a node is silent
    private readonly LocalGroup _group;
    private readonly bool _probeWrites;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<LocalNode, RedisClient> _clients = [];
    private readonly Dictionary<string, TimeSpan> _empty = [];
    private readonly Task _running;

    private readonly string? _everPresentKey;

    private MasterMonitor(LocalGroup group, bool probeWrites, string? everPresentKey)
    {
        (_group, _probeWrites, _everPresentKey) = (group, probeWrites, everPresentKey);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Rounds in which several nodes' ROLE was master; harmless while only one accepts writes.</summary>
    public int RoundsWithSeveralMasters { get; private set; }

    /// <summary>Rounds done.</summary>
    public int Rounds { get; private set; }

    /// <summary>Proven; the first hundred.</summary>
    public ImmutableArray<DualMasters> Findings { get; private set; } = [];

    /// <summary>The findings, those that follow each other within a second taken together.</summary>
    public ImmutableArray<DualMasterSpan> Spans { get; private set; } = [];

    /// <summary>Masters that were without the key that is always there: name and first moment, since the monitor started.</summary>
    public ImmutableArray<KeyValuePair<string, TimeSpan>> EmptyMasters
    {
        get
        {
            lock (_empty) return [.. _empty];
        }
    }

    /// <summary>Starts to watch.</summary>
    /// <param name="group">Whose nodes.</param>
    /// <param name="probeWrites">False: only roles are looked at.</param>
    /// <param name="everPresentKey">A key that every copy of the data has: a master without it is empty. Null: not looked for.</param>
    public static MasterMonitor Start(LocalGroup group, bool probeWrites = true, string? everPresentKey = null) =>
        new(group, probeWrites, everPresentKey);

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
                if (_everPresentKey is not null) await Task.WhenAll(masters.Select(NoteIfEmptyAsync));
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
        var at = TimeProvider.System.GetElapsedTime(_started);
        ImmutableArray<string> names = [.. accepting.Select(n => n.Name)];
        if (Findings.Length < FindingsKept) Findings = Findings.Add(new DualMasters(at, names));
        Spans = Spans is [.., var last] && at - last.To < SameSpan
            ? Spans.SetItem(Spans.Length - 1, last with { To = at, Nodes = [.. last.Nodes.Union(names)] })
            : Spans.Add(new DualMasterSpan(at, at, names));
    }

    private async Task NoteIfEmptyAsync(LocalNode node)
    {
        if (await CallAsync(node, "EXISTS", _everPresentKey!) is not { Integer: 0, IsError: false } || !await IsMasterAsync(node)) return;
        lock (_empty) _empty.TryAdd(node.Name, TimeProvider.System.GetElapsedTime(_started));
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
