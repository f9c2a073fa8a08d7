using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Ghosts;
using Sidecars.Telemetry;
using Sidecars.Unit.Tests.Core.Kubernetes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;
using static Sidecars.Unit.Tests.Failover.Ghosts.GhostFacts;

namespace Sidecars.Unit.Tests.Failover.Ghosts;

/// <summary>
/// Three Sentinels that all know a ghost, two of the real loops (the master's and, after a failover, another one's) and a
/// script of failures on one clock: a reset Sentinel knows nobody, and learns of its peers and replicas again after up to
/// a minute; Sentinels hang for a while; the master changes. A RESET while another Sentinel has not recovered breaks the rule.
/// </summary>
internal sealed class GhostSimulation
{
    private readonly SteppedTime _time = new();
    private readonly Random _random;
    private readonly Model[] _sentinels = [new(1), new(2), new(3)];
    private readonly GhostRepairLoop[] _loops;
    private RedisEndpoint _master = A;
    private long _epoch = 7;

    public GhostSimulation(int seed)
    {
        _random = new Random(seed);
        _loops = [Loop(A), Loop(B)];
    }

    /// <summary>How the rule was broken; null while it was not.</summary>
    public string? Broken { get; private set; }

    public int Resets { get; private set; }

    public int GhostsLeft => _sentinels.Count(s => s.KnowsGhost);

    public static async Task<string?> RunAsync(int seed, IEnumerable<int> script)
    {
        var simulation = new GhostSimulation(seed);
        foreach (var number in script)
        {
            await simulation.StepAsync(number);
            if (simulation.Broken is not null) break;
        }

        return simulation.Broken;
    }

    public async Task StepAsync(int number)
    {
        _time.Advance(TimeSpan.FromSeconds(number == 0 ? 5 : number % 7));
        var now = _time.GetTimestamp();
        if (number % 50 == 1) _sentinels[number % 3].SilentUntil = now + Seconds(number % 40);
        if (number % 70 == 2) (_master, _epoch) = (_master == A ? B : A, _epoch + 1);
        if (number % 60 == 3) _sentinels[number % 3].KnowsGhost = true; // heard of by a late hello
        foreach (var loop in _loops) await loop.RoundAsync(default);
    }

    private GhostRepairLoop Loop(RedisEndpoint beside) => new(
        new GhostRepairSettings { RedisCount = 3, SentinelCount = 3 },
        _ => Task.FromResult(new GroupObservation { Sentinels = [.. _sentinels.Select(Observe)], Nodes = [Node(A), Node(B), Node(C)] }),
        (sentinel, _) => Task.FromResult(Reset(sentinel)),
        () => RunId(beside),
        (_, _, _) => { },
        new MetricSet(),
        _time);

    private NodeObservation Node(RedisEndpoint at) => at == _master ? Master(at) : Replica(at, _master, linkUp: true);

    private string? Reset(RedisEndpoint sentinel)
    {
        var now = _time.GetTimestamp();
        var outstanding = _sentinels.Where(s => s.KnowsAllFrom > now).Select(s => s.Number).ToArray();
        if (outstanding.Length > 0) Broken = $"Sentinel {sentinel} was reset while {string.Join(", ", outstanding)} had not recovered";
        var model = _sentinels.Single(s => SentinelAt(s.Number) == sentinel);
        Resets++;
        model.KnowsGhost = false;
        model.KnowsAllFrom = now + Seconds(_random.Next(1, 61));
        return _random.Next(10) == 0 ? "no answer within 1000 ms" : null; // it was heard all the same
    }

    private SentinelObservation Observe(Model model)
    {
        var now = _time.GetTimestamp();
        if (model.SilentUntil > now) return Mute(model.Number);
        var known = Sees(model.Number);
        var view = known.View with
        {
            Master = known.View.Master! with { Address = _master, ConfigEpoch = _epoch, RunId = RunId(_master) },
            Replicas = [.. ((RedisEndpoint[])[A, B, C]).Where(r => r != _master)
                .Select(r => new SentinelReplica { Address = r, Flags = "slave", MasterLinkStatus = "ok" })],
        };
        if (model.KnowsAllFrom > now) view = view with { Others = [], Replicas = [] };
        if (model.KnowsGhost) view = view with { Others = view.Others.Add(Ghost) };
        return known with { View = view };
    }

    private static long Seconds(int seconds) => seconds * TimeSpan.TicksPerSecond;

    private sealed class Model(int number)
    {
        public int Number { get; } = number;

        public bool KnowsGhost { get; set; } = true;

        public long KnowsAllFrom { get; set; }

        public long SilentUntil { get; set; }
    }
}
