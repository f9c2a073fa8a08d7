using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Faults.Checks;
using Sidecars.Faults.Faults;
using Sidecars.Faults.Hosts;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Pods;
using Sidecars.TestKit.Processes;

namespace Sidecars.Faults;

/// <summary>
/// Plays one plan on a fresh group, under writes from a host of clients and from every host of the group, and checks the invariants.
/// </summary>
internal sealed class CaseRunner(
    CasePlan plan, TimeSpan downAfter, string? fakeTimeLibrary, Action<string> log, CancellationToken cancellation = default)
{
    private const string EverPresentKey = "faults:ever-present";
    private const int FirstCrash = 128; // ended by a signal that nobody sent
    private const int RedisPanic = 134; // SIGABRT: what a replica does whose disk is full (redis.conf, replica-ignore-disk-write-errors)
    // the server's own words when it crashes; it can crash again in its report
    private static readonly string[] ServerReports = ["REDIS BUG REPORT END", "FAST MEMORY TEST"];
    private const int ClientWritesPerSecond = 200;
    private const int InsideWritesPerSecond = 20;
    private static readonly TimeSpan HealDeadline = TimeSpan.FromSeconds(60); // I8
    private static readonly TimeSpan DualSlack = TimeSpan.FromSeconds(1); // I3
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(200);
    private readonly List<Violation> _violations = [];
    private readonly List<RoundReport> _rounds = [];
    private readonly HashSet<string> _lostBefore = [];

    /// <summary>What Redis nodes are told to announce.</summary>
    public PodAnnounce Announce { get; init; }

    /// <summary>Also of a case that held: a person looks at it.</summary>
    public bool KeepsOutput { get; init; }

    /// <summary>Plays it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing is left behind.</exception>
    public async Task<CaseReport> RunAsync()
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var group = await HostGroup.CreateAsync(
            new HostOptions(FormattableString.Invariant($"faults-{plan.Seed}-{plan.Index}"), plan.Hosts, downAfter)
            {
                SmallDisks = plan.Needs(FaultNeeds.SmallDisks),
                FakeTimeLibrary = plan.Needs(FaultNeeds.FakeTime) ? fakeTimeLibrary : null,
                Backup = plan.Needs(FaultNeeds.Backup),
                Passwords = plan.Needs(FaultNeeds.Passwords),
                Announce = Announce,
                Hairpin = plan.Hairpin,
            });
        var records = new RecordWatch(group);
        var loads = new List<WriteLoad>();
        var monitors = new List<MasterMonitor>();
        try
        {
            group.Start();
            if (await HealAsync(group, null) is null) return Report(group, records, monitors, started);
            loads.Add(Load(group, group.Client.Namespace.Transport, "c:", group.Hosts, 2, ClientWritesPerSecond));
            foreach (var host in group.Hosts)
                loads.Add(Load(group, host.Network.Namespace.Transport, $"{host}:", [host, .. group.Hosts.Where(h => h != host)], 1,
                    InsideWritesPerSecond));
            await loads[0].Acks.First.WaitAsync(HealDeadline, cancellation);
            var isPlanted = false;
            foreach (var round in plan.Rounds)
            {
                if (!isPlanted) await PlantAsync(group);
                isPlanted = !round.LosesEverything;
                await using var monitor = MasterMonitor.Start(group.Group, everPresentKey: round.LosesEverything ? null : EverPresentKey);
                monitors.Add(monitor);
                if (!await PlayAsync(group, round, loads)) break;
            }
        }
        catch (Exception e) when (e is TimeoutException or RedisConnectionException or InvalidOperationException)
        {
            _violations.Add(new Violation("harness", e.ToString()));
        }
        finally
        {
            foreach (var load in loads) await load.DisposeAsync();
        }

        foreach (var monitor in monitors) Judge(monitor);
        return Report(group, records, monitors, started);
    }

    /// <summary>
    /// Writers somewhere, which ask the Sentinels in this order, with the kit's own client. StackExchange.Redis could write from there too,
    /// by its Tunnel; but it chooses among the Sentinels by itself, and stays with a server that it can reach. A client inside a part that
    /// was cut off must hear that part's Sentinel first, and take whatever master it names: that is how two masters are found.
    /// </summary>
    internal static WriteLoad Load(
        HostGroup group, Func<RedisEndpoint, IRespTransport> transport, string prefix, IEnumerable<Host> order, int writers, int rate) =>
        WriteLoad.Start(
            new WriteLoadOptions(new NodeEndpoints([.. order.Select(h => h.SentinelNode)]), group.Group.Options.EffectiveMasterName)
            {
                Writers = writers,
                WritesPerSecond = rate,
                KeyPrefix = prefix,
                KeepTimes = true,
                Transport = transport,
                RedisPassword = group.Group.Options.Passwords.Redis,
                SentinelPassword = group.Group.Options.Passwords.Sentinel,
                NextRedisPassword = group.Group.Options.NextPasswords.Redis,
                NextSentinelPassword = group.Group.Options.NextPasswords.Sentinel,
            });

    private static async Task PlantAsync(HostGroup group)
    {
        var state = await group.Group.WaitForAsync("a master for the key that every copy has", s => s.Master is not null, HealDeadline);
        await using var client = await group.Group.ConnectAsync(state.Master!.Node, TimeSpan.FromSeconds(5));
        await client.CallAsync(default, "SET", EverPresentKey, "1");
        await Eventually.UntilAsync("the key to be everywhere",
            async () => (await client.CallAsync(default, "WAIT", "9", "500")).Integer >= group.Hosts.Length - 1);
    }

    // False: the group did not heal, so that nothing more can be learnt from it.
    private async Task<bool> PlayAsync(HostGroup group, FaultRound round, List<WriteLoad> loads)
    {
        var began = TimeProvider.System.GetTimestamp();
        var marks = loads.Select(load => load.Acks.Mark()).ToArray();
        var injector = new FaultInjector(group, loads[0].Acks);
        var faults = await Task.WhenAll(round.Steps.Select(step => PlayAsync(injector, step)));
        _violations.AddRange(faults.Select(f => f.Finding).OfType<Violation>());
        var before = loads[0].Acks.Count;
        var healed = await HealAsync(group, () => loads[0].Acks.Count > before ? null : "no client's write is acknowledged");
        if (healed is not { } took) return false;
        var losses = await CheckAsync(group, loads, faults, began);
        _rounds.Add(new RoundReport(round.ToString(), [.. faults.Select(f => f.Met)], took.TotalMilliseconds,
            marks[0].LongestGap.TotalMilliseconds, marks.Sum(m => m.Count), losses));
        var which = losses.Select(l =>
            FormattableString.Invariant($" ({l.Count} at {l.FromMs:0}..{l.ToMs:0} ms{(l.Excused ? "" : ", NOT EXCUSED")})"));
        log(FormattableString.Invariant($"  {round} [{string.Join(", ", faults.Select(f => f.Met))}]: healed {took.TotalSeconds:0.0} s ")
            + FormattableString.Invariant($"after its end, longest gap {marks[0].LongestGap.TotalSeconds:0.0} s, ")
            + FormattableString.Invariant($"{losses.Sum(l => l.Count)} of {marks.Sum(m => m.Count)} lost") + string.Concat(which));
        return true;
    }

    private async Task<ActiveFault> PlayAsync(FaultInjector injector, FaultStep step)
    {
        await Task.Delay(step.After, TimeProvider.System, cancellation);
        var fault = await injector.BeginAsync(step);
        try
        {
            await Task.Delay(step.Lasts, TimeProvider.System, cancellation);
        }
        finally
        {
            await fault.EndAsync(); // a stopped process or a full disk is not left behind
        }

        fault.Ended = TimeProvider.System.GetTimestamp();
        return fault;
    }

    private async Task<TimeSpan?> HealAsync(HostGroup group, Func<string?>? more)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var problem = await group.ProblemAsync() ?? more?.Invoke();
            var took = TimeProvider.System.GetElapsedTime(began);
            if (problem is null) return took;
            if (took > HealDeadline)
            {
                _violations.Add(new Violation(more is null ? "start" : "I8",
                    $"not healed after {HealDeadline.TotalSeconds:0} s: {problem}\n{await group.Group.ObserveAsync()}"));
                return null;
            }

            await Task.Delay(LookPause, TimeProvider.System, cancellation);
        }
    }

    private async Task<IReadOnlyList<Loss>> CheckAsync(HostGroup group, List<WriteLoad> loads, ActiveFault[] faults, long began)
    {
        // It was just healed; a single look may meet a busy moment.
        var master = (await group.Group.WaitForAsync(
            "the master whose data are checked", state => state.Master is not null, HealDeadline, cancellation)).Master!.Node;
        var times = new List<long>();
        foreach (var load in loads)
        {
            var check = await load.CheckAsync(master.Endpoint);
            for (var i = 0; i < check.Missing.Count; i++)
                if (_lostBefore.Add(check.Missing[i])) times.Add(check.MissingAt[i]);
        }

        var losses = LossJudge.Judge(times, faults, began, downAfter);
        foreach (var loss in losses.Where(l => !l.Excused))
            _violations.Add(new Violation(LossJudge.Invariant(faults), FormattableString.Invariant(
                $"{loss.Count} acknowledged writes lost, acknowledged {loss.FromMs:0}..{loss.ToMs:0} ms after the round began: ")
                + string.Join(", ", faults.Select(f => $"{f.Step} [{f.Met}]"))));
        return losses;
    }

    private void Judge(MasterMonitor monitor)
    {
        foreach (var span in monitor.Spans.Where(s => s.Length > downAfter + DualSlack))
            _violations.Add(new Violation("I3", FormattableString.Invariant(
                $"{string.Join(" and ", span.Nodes)} accepted writes for {span.Length.TotalSeconds:0.0} s, ")
                + FormattableString.Invariant($"from {span.From.TotalSeconds:0.0} s")));
        foreach (var (name, at) in monitor.EmptyMasters)
            _violations.Add(
                new Violation("I4", FormattableString.Invariant($"{name} was master without the data, at {at.TotalSeconds:0.0} s")));
    }

    private CaseReport Report(HostGroup group, RecordWatch records, List<MasterMonitor> monitors, long started)
    {
        _violations.AddRange(records.Violations);
        var ends = group.Hosts.SelectMany(h => h.Containers).SelectMany(c => c.Ends.Select(end => (c.Name, end.Code, end.Tail))).ToArray();
        // A crash of redis-server on a full disk (7.0.15: SIGSEGV once) or damaged data is one more fault: the group is judged, the end
        // listed among the restarts.
        foreach (var (name, code, tail) in ends.Where(end => end.Code >= FirstCrash
            && !(plan.Has(FaultKind.FillDisk, FaultKind.FillAllDisks, FaultKind.DamageFile)
                && (end.Code == RedisPanic || ServerReports.Any(words => end.Tail.Contains(words, StringComparison.Ordinal))))))
            _violations.Add(new Violation("crash", FormattableString.Invariant($"{name} ended by itself with {code}\n{tail}")));
        return new CaseReport(plan, _rounds, _violations)
        {
            LongestDualMs = monitors.SelectMany(m => m.Spans).Select(s => s.Length.TotalMilliseconds).DefaultIfEmpty(0).Max(),
            RecordWrites = records.Writes,
            Restarts = [.. ends.Select(end => FormattableString.Invariant($"{end.Name}: {end.Code}"))],
            Output = _violations.Count == 0 && !KeepsOutput ? "" : string.Join('\n', group.Notes) + "\n" + group.Tails(4000),
            Seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds,
        };
    }
}
