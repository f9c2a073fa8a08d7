using System.Globalization;
using System.Text.Json;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// What a switch costs: one run of each here, the counts of the figures with SIDECARS_SOAK=1, where the aims must hold too.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class SwitchFiguresTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LongestKillGap = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan LongestStepDownGap = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan LongestAfterSwitch = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan LongestFenceToCalls = TimeSpan.FromMilliseconds(50);

    private static readonly string[] Publishers = ["route53", "endpoint-slice", "zone-file"];

    private static bool Soak => RunCount.Soak;

    /// <summary>A small dataset, and with SIDECARS_SOAK=1 one of 2 GB.</summary>
    public static TheoryData<int> DatasetsMiB => Soak ? [0, 2048] : [0];

    [Theory]
    [MemberData(nameof(DatasetsMiB))]
    public async Task A_master_that_is_killed_is_missed_for_less_than_down_after(int datasetMiB)
    {
        var (rig, master) = await SidecarRig.StartAsync("kill-gap");
        await using var disposed = rig;
        await FillAsync(rig, master, datasetMiB);
        await using var load = Load(rig.Group, 1);
        await load.Acks.First;
        var gaps = new List<TimeSpan>();
        for (var run = 0; run < (Soak ? datasetMiB == 0 ? 20 : 3 : 1); run++)
        {
            await rig.WaitLookedAsync(master);
            var mark = load.Acks.Mark();
            await master.KillAsync();
            var next = await rig.WaitMasterAfterAsync(master);
            await rig.WaitPublishedAsync(next);
            await Eventually.UntilAsync("writes", () => mark.Count > 1000 && load.Acks.CurrentGap < TimeSpan.FromMilliseconds(200), null,
                () => $"{rig.Group.Tails(60)}\n{rig.Tails()}");
            gaps.Add(mark.LongestGap);
            if (gaps[^1] > LongestKillGap)
                output.WriteLine($"run {run}: {master} killed, {next} followed after {gaps[^1].TotalMilliseconds:F0} "
                    + $"ms\n{rig.Group.Tails(40)}\n{rig.Tails()}");
            await master.StartAsync();
            await rig.Group.WaitHealthyAsync(datasetMiB == 0 ? null : TimeSpan.FromMinutes(4)); // a full copy
            master = next;
            await WaitCaughtUpAsync(rig, master);
        }

        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        Say($"longest gap after kill -9, down-after 5000 ms, dataset {datasetMiB} MiB", gaps, LongestKillGap);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost (asynchronous replication)");
        Assert.All(gaps, gap => Assert.True(gap < rig.Group.Options.DownAfter));
        if (Soak) Assert.True(gaps.Max() <= LongestKillGap);
    }

    [Fact]
    public async Task Five_sidecars_send_one_write_a_switch_within_50_ms_of_the_event()
    {
        var (rig, master) = await SidecarRig.StartAsync("event", redis: 5, metrics: true);
        await using var disposed = rig;
        foreach (var node in rig.Group.Redis) await rig.WaitDecisionAsync(node, "publish", node == master ? "own-master" : "for-another");
        var runs = Soak ? 20 : 2;
        var (changes, puts) = (rig.Route53.Count("Change"), SlicePuts(rig));
        var start = new Dictionary<string, Sent>();
        foreach (var publisher in Publishers) start[publisher] = await SentAsync(rig, publisher); // the first publication is no switch
        for (var run = 0; run < runs; run++)
        {
            var seen = rig.Group.Redis.ToDictionary(n => n, n => rig.Decisions(n, "publish").Count);
            var next = await rig.FailOverAsync(master);
            await rig.WaitPublishedAsync(next);
            await rig.WaitLookedAsync(next, seen);
            await rig.Group.WaitHealthyAsync();
            master = next;
        }

        var late = 0.0;
        foreach (var publisher in Publishers)
        {
            var sent = await SentAsync(rig, publisher) - start[publisher];
            output.WriteLine($"{publisher}: {sent.Within} of {sent.Count} sent within 50 ms of the event that made the majority");
            Assert.True(sent.Count >= runs, $"{sent.Count} of {runs} were measured");
            late = Math.Max(late, (sent.Count - sent.Within) / sent.Count);
        }

        if (Soak) Assert.True(late <= 0.01);
        output.WriteLine(
            $"{runs} switches: {rig.Route53.Count("Change") - changes} calls that wrote to Route 53, {SlicePuts(rig) - puts} to the slice");
        if (Soak) Assert.Equal((runs, runs), (rig.Route53.Count("Change") - changes, SlicePuts(rig) - puts));
    }

    // All sidecars together.
    private static async Task<Sent> SentAsync(SidecarRig rig, string publisher)
    {
        var sent = new Sent(0, 0);
        foreach (var node in rig.Group.Redis)
        {
            sent += new Sent(
                await rig.MetricAsync(node, $"sidecars_failover_switch_to_send_seconds_count{{publisher=\"{publisher}\"}}") ?? 0,
                await rig.MetricAsync(node, $"sidecars_failover_switch_to_send_seconds_bucket{{publisher=\"{publisher}\",le=\"0.05\"}}")
                ?? 0);
        }

        return sent;
    }

    [Fact]
    public async Task A_lost_host_costs_Sentinels_own_time_and_no_more()
    {
        var (rig, master) = await SidecarRig.StartAsync("host-loss");
        await using var disposed = rig;
        await using var load = Load(rig.Group, 1);
        await load.Acks.First;
        var (sentinelsOwn, published, gaps) = (new List<TimeSpan>(), new List<TimeSpan>(), new List<TimeSpan>());
        for (var run = 0; run < (Soak ? 20 : 1); run++)
        {
            await rig.WaitLookedAsync(master);
            var sentinel = rig.Group.Sentinels[master.Index];
            await using var watch = await SwitchWatch.StartAsync(rig.Group, rig.Group.Sentinels.Where(s => s != sentinel));
            var mark = load.Acks.Mark();
            var lost = TimeProvider.System.GetTimestamp();
            // Stopped and not killed: the others' connections stay open and nobody answers, as when a host has no power.
            foreach (var process in (ServerProcess[])[master.Process!, sentinel.Process!, rig.Sidecar(master)]) process.Pause();
            var switched = await watch.WaitAsync(2);
            sentinelsOwn.Add(TimeProvider.System.GetElapsedTime(lost, switched));
            var next = await rig.WaitPublishedAfterAsync(master);
            published.Add(TimeProvider.System.GetElapsedTime(switched));
            await Eventually.UntilAsync("writes", () => mark.Count > 1000 && load.Acks.CurrentGap < TimeSpan.FromMilliseconds(200));
            gaps.Add(mark.LongestGap);
            // The host comes back with its disk.
            foreach (var process in (ServerProcess[])[rig.Sidecar(master), master.Process!, sentinel.Process!]) await process.KillAsync();
            await master.StartAsync();
            await sentinel.StartAsync();
            await rig.StartSidecarAsync(master);
            await rig.Group.WaitHealthyAsync();
            master = next;
        }

        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        Say("host lost: until a majority of Sentinels has switched, down-after 5000 ms", sentinelsOwn);
        Say("host lost: from there until zone file, Route 53 and slice name the new master", published, LongestAfterSwitch);
        Say("host lost: longest gap of Sentinel-aware clients", gaps);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost (asynchronous replication)");
        if (Soak) Assert.True(published.Max() <= LongestAfterSwitch);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Hand_overs_under_load_lose_nothing(int pipeline)
    {
        var (rig, master) = await SidecarRig.StartAsync("hand-overs");
        await using var disposed = rig;
        await using var load = Load(rig.Group, pipeline);
        await load.Acks.First;
        var (gaps, calls) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var run = 0; run < (Soak ? 25 : 1); run++)
        {
            await rig.WaitLookedAsync(master);
            var mark = load.Acks.Mark();
            await using var stepDown = await rig.StartStepDownAsync(master);
            Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
            await rig.WaitWholeAsync();
            var state = await rig.Group.ObserveAsync();
            Assert.NotEqual(master, state.Master!.Node);
            master = state.Master.Node;
            gaps.Add(mark.LongestGap);
            await rig.WaitPublishedAsync(master);
            // Route 53 reads before it writes; the first call is what counts. The slice's read is remembered.
            var fenced = stepDown.Events("step-down-fence")[0].GetProperty("ts").GetDateTimeOffset();
            calls.Add(Later(rig.Route53.Seen.Where(c => c.Operation == "Change").Select(c => c.At),
                rig.Kubernetes.Seen.Where(IsSlicePut).Select(c => c.At), fenced));
            if (calls[^1] > LongestFenceToCalls || gaps[^1] > LongestStepDownGap)
            {
                var steps = stepDown.Output.Where(line => line.Contains("\"step-down-", StringComparison.Ordinal))
                    .Select(line => JsonDocument.Parse(line).RootElement);
                output.WriteLine($"run {run}: gap {gaps[^1].TotalMilliseconds:F0} ms, calls after {calls[^1].TotalMilliseconds:F0} ms; "
                    + "since the start: "
                    + $"{string.Join(", ", steps.Select(s => $"{s.GetProperty("event").GetString()![10..]} {s.GetProperty("at_ms")}"))} "
                    + $"ms\n{rig.Tails()}");
            }
        }

        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        Say($"longest gap of Sentinel-aware clients, {pipeline} writes at once", gaps, LongestStepDownGap, ofP95: true);
        Say("from the fence until the calls to Route 53 and to the slice had both arrived", calls, LongestFenceToCalls, ofP95: true);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost");
        Assert.Equal(0, check.MissingCount);
        if (Soak) Assert.True(P95(gaps) <= LongestStepDownGap);
        if (Soak) Assert.True(P95(calls) <= LongestFenceToCalls);
    }

    // Values of 1 KiB, 16 MiB at a time, which both replicas have before the next: a replica's output buffer is bounded.
    private static async Task FillAsync(SidecarRig rig, LocalNode master, int mebibytes)
    {
        const string Script = "local v = string.rep('x', 1024) for i = 1, 16384 do redis.call('SET', ARGV[1] .. ':' .. i, v) end";
        await using var client = await rig.Group.ConnectAsync(master, TimeSpan.FromSeconds(30));
        for (var part = 0; part < mebibytes / 16; part++)
        {
            Assert.False((await client.CallAsync(default, "EVAL", Script, "0", $"fill:{part}")).IsError);
            await client.CallAsync(default, "WAIT", "2", "20000");
        }
    }

    // A link is up as soon as the copy is loaded; what was written meanwhile, megabytes of a large one, comes then. Until it has that, a
    // replica that is left alone with the next master needs another copy.
    private static async Task WaitCaughtUpAsync(SidecarRig rig, LocalNode master)
    {
        await using var client = await rig.Group.ConnectAsync(master, TimeSpan.FromSeconds(30));
        await client.CallAsync(default, "SET", "caught-up", "1");
        Assert.Equal(2, (await client.CallAsync(default, "WAIT", "2", "25000")).Integer);
    }

    private static TimeSpan Later(IEnumerable<DateTimeOffset> changes, IEnumerable<DateTimeOffset> puts, DateTimeOffset since)
    {
        var (change, put) = (changes.First(at => at >= since), puts.First(at => at >= since));
        return (change > put ? change : put) - since;
    }

    private static TimeSpan P95(List<TimeSpan> values) => values.Order().ElementAt(values.Count * 95 / 100);

    // Pipelined writers at full speed would write a dataset whose rewriting keeps both processors busy: 10,000 a second make 10^6 in two
    // minutes.
    private static WriteLoad Load(LocalGroup group, int pipeline) =>
        WriteLoad.Start(new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName)
        { Pipeline = pipeline, WritesPerSecond = pipeline == 1 ? 0 : 10_000 });

    private static int SlicePuts(SidecarRig rig) => rig.Kubernetes.Seen.Count(IsSlicePut);

    private static bool IsSlicePut(SeenRequest call) =>
        call.Method is "PUT" or "POST" && call.Path.Contains("endpointslices", StringComparison.Ordinal);

    // The aim is the longest's, unless it is said to be that of the 95th percentile.
    private void Say(string what, List<TimeSpan> values, TimeSpan? aim = null, bool ofP95 = false)
    {
        var sorted = values.Select(v => v.TotalMilliseconds).Order().ToArray();
        var verdict = aim is { TotalMilliseconds: var limit }
            ? string.Create(CultureInfo.InvariantCulture,
                $"; aim {limit:F0} ms: {((ofP95 ? sorted[sorted.Length * 95 / 100] : sorted[^1]) <= limit ? "ok" : "missed")}")
            : "";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {sorted.Length} runs, median {sorted[sorted.Length / 2]:F0} ms, p95 {sorted[sorted.Length * 95 / 100]:F0} ms, "
            + $"longest {sorted[^1]:F0} ms{verdict}"));
    }

    /// <summary>Publications, and those that were sent within 50 ms of the event.</summary>
    private readonly record struct Sent(double Count, double Within)
    {
        public static Sent operator +(Sent a, Sent b) => new(a.Count + b.Count, a.Within + b.Within);

        public static Sent operator -(Sent a, Sent b) => new(a.Count - b.Count, a.Within - b.Within);
    }
}
