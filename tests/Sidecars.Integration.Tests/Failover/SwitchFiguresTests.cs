using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>What a switch costs: one run of each here, the counts of the figures with SIDECARS_SOAK=1, where the aims must hold too.</summary>
[Collection(GroupTests.Name)]
public sealed class SwitchFiguresTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LongestKillGap = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LongestStepDownGap = TimeSpan.FromSeconds(1.2);

    private static bool Soak => Environment.GetEnvironmentVariable("SIDECARS_SOAK") == "1";

    [Fact]
    public async Task A_master_that_is_killed_is_missed_for_less_than_down_after()
    {
        var (rig, master) = await SidecarRig.StartAsync("kill-gap");
        await using var disposed = rig;
        await using var load = Load(rig.Group, 1);
        await load.Acks.First;
        var gaps = new List<TimeSpan>();
        for (var run = 0; run < (Soak ? 20 : 1); run++)
        {
            await rig.WaitLookedAsync(master);
            var mark = load.Acks.Mark();
            await master.KillAsync();
            var next = await rig.WaitMasterAfterAsync(master);
            await rig.WaitPublishedAsync(next);
            await Eventually.UntilAsync("writes", () => mark.Count > 1000 && load.Acks.CurrentGap < TimeSpan.FromMilliseconds(200));
            gaps.Add(mark.LongestGap);
            await master.StartAsync();
            await rig.Group.WaitHealthyAsync();
            master = next;
        }

        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        Say("longest gap after kill -9, down-after 5000 ms", gaps, LongestKillGap);
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
        var writes = 0;
        for (; writes < runs; writes++)
        {
            var seen = rig.Group.Redis.ToDictionary(n => n, n => rig.Decisions(n, "publish").Count);
            var next = await rig.FailOverAsync(master);
            await rig.WaitPublishedAsync(next);
            await rig.WaitLookedAsync(next, seen);
            await rig.Group.WaitHealthyAsync();
            master = next;
        }

        foreach (var publisher in (string[])["route53", "endpoint-slice", "zone-file"])
        {
            double count = 0, within = 0;
            foreach (var node in rig.Group.Redis)
            {
                count += await rig.MetricAsync(node, $"sidecars_failover_switch_to_send_seconds_count{{publisher=\"{publisher}\"}}") ?? 0;
                within += await rig.MetricAsync(node, $"sidecars_failover_switch_to_send_seconds_bucket{{publisher=\"{publisher}\",le=\"0.05\"}}") ?? 0;
            }

            output.WriteLine($"{publisher}: {within} of {count} sent within 50 ms of the event that made the majority");
            Assert.True(count >= runs, $"{count} of {runs} were measured");
            if (Soak) Assert.True(within >= count * 0.99);
        }

        output.WriteLine($"{runs} switches: {rig.Route53.Count("Change") - changes} calls that wrote to Route 53, {SlicePuts(rig) - puts} to the slice");
        if (Soak) Assert.Equal((runs, runs), (rig.Route53.Count("Change") - changes, SlicePuts(rig) - puts));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Hand_overs_under_load_lose_nothing(int pipeline)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "hand-overs" });
        await using var rig = new HandOverRig(group);
        var (master, _) = await rig.StartAsync(lowerOne: false);
        rig.StartSidecars(hurry: 40);
        await using var load = Load(group, pipeline);
        await load.Acks.First;
        var gaps = new List<TimeSpan>();
        for (var run = 0; run < (Soak ? 25 : 1); run++)
        {
            var mark = load.Acks.Mark();
            var stepDown = await rig.StepDownAsync(master);
            Assert.True(await stepDown.WaitForExitAsync(TimeSpan.FromSeconds(40)) == 0, stepDown.Tail(60));
            var state = await rig.WaitWholeAsync();
            Assert.NotEqual(master, state.Master!.Node);
            gaps.Add(mark.LongestGap);
            master = state.Master.Node;
        }

        await load.StopAsync();
        var check = await load.CheckAsync(master.Endpoint);
        Say($"longest gap of Sentinel-aware clients, {pipeline} writes at once", gaps, LongestStepDownGap);
        output.WriteLine($"{check.MissingCount} of {check.Checked} acknowledged writes lost");
        Assert.Equal(0, check.MissingCount);
        if (Soak) Assert.True(gaps.Order().ElementAt(gaps.Count * 95 / 100) <= LongestStepDownGap);
    }

    private static WriteLoad Load(LocalGroup group, int pipeline) => WriteLoad.Start(new WriteLoadOptions(group.SentinelEndpoints, group.Options.EffectiveMasterName) { Pipeline = pipeline });

    private static int SlicePuts(SidecarRig rig) => rig.Kubernetes.Seen.Count(call => call.Method is "PUT" or "POST" && call.Path.Contains("endpointslices", StringComparison.Ordinal));

    private void Say(string what, List<TimeSpan> values, TimeSpan aim)
    {
        var sorted = values.Select(v => v.TotalMilliseconds).Order().ToArray();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {sorted.Length} runs, median {sorted[sorted.Length / 2]:F0} ms, p95 {sorted[sorted.Length * 95 / 100]:F0} ms, longest {sorted[^1]:F0} ms; aim {aim.TotalMilliseconds:F0} ms: {(sorted[^1] <= aim.TotalMilliseconds ? "ok" : "missed")}"));
    }
}
