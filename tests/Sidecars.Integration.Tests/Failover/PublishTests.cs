using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Failover;

[Collection(GroupTests.Name)]
public sealed class PublishTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public async Task One_switch_costs_one_write_at_each_place_however_many_sidecars(int count)
    {
        var (rig, master) = await SidecarRig.StartAsync("publish", count);
        await using var disposed = rig;
        await rig.WaitLookedAsync(master);
        // The others have read what stands there since it was last written: what they remember costs them no second call.
        await Eventually.UntilAsync("the others' looks", () =>
            rig.Route53.Seen.Reverse().TakeWhile(call => call.Operation != "Change").Count(call => call.Operation == "List") >= count - 1,
            null, rig.Tails);
        var (changes, puts) = (rig.Route53.Count("Change"), SlicePuts(rig));
        var seen = rig.Group.Redis.ToDictionary(n => n, n => rig.Decisions(n, "publish").Count);
        var tokenBefore = rig.Zone()!.Token;

        var next = await rig.FailOverAsync(master);
        await rig.WaitPublishedAsync(next);
        await rig.WaitLookedAsync(next, seen); // everybody has had the chance to write too
        Assert.True(rig.Route53.Count("Change") - changes == 1, string.Join('\n', rig.Route53.Seen) + "\n" + rig.Tails());
        Assert.Equal(1, SlicePuts(rig) - puts);
        Assert.True(rig.Zone()!.Token > tokenBefore, $"{rig.Zone()!.Token} after {tokenBefore}");
        Assert.Equal(rig.Zone()!.Token, rig.Slice().Token);
        foreach (var line in rig.Sidecar(next).Output.Where(line => line.Contains("newer-token", StringComparison.Ordinal)))
            output.WriteLine(line);
    }

    [Fact]
    public async Task A_sidecar_that_was_stopped_over_a_switch_never_moves_the_record_back()
    {
        var (rig, master) = await SidecarRig.StartAsync("stale");
        await using var disposed = rig;
        await rig.WaitLookedAsync(master);
        rig.Sidecar(master).Pause();
        var next = await rig.FailOverAsync(master);
        await rig.WaitPublishedAsync(next);
        var token = rig.Zone()!.Token;
        var decided = rig.Decisions(master, "publish").Count;
        rig.Sidecar(master).Resume();
        // It has looked at the group anew, and at every place.
        await rig.WaitDecisionAsync(master, "publish", "for-another", decided);
        await rig.WaitPublishedAsync(next);
        Assert.Equal((token, token), (rig.Zone()!.Token, rig.Slice().Token));
        Assert.DoesNotContain("newer-token", rig.Done(master, "publish-route53"));
    }

    [Fact]
    public async Task The_same_master_at_a_new_address_is_published_with_a_higher_rev()
    {
        var (rig, master) = await SidecarRig.StartAsync("rev");
        await using var disposed = rig;
        var before = rig.Zone()!.Token;
        await rig.StartSidecarAsync(master, ("POD_IP", "10.0.0.99"));
        await Eventually.UntilAsync("the new address everywhere",
            () => rig.Zone()!.Target.Value == "10.0.0.99" && rig.AddressInRoute53() == "10.0.0.99" && rig.Slice().Address == "10.0.0.99",
            null, rig.Tails);
        Assert.Equal(before with { Rev = before.Rev + 1 }, rig.Zone()!.Token);
        Assert.Equal(rig.Zone()!.Token, rig.Slice().Token);
    }

    [Fact]
    public async Task Where_the_new_masters_own_sidecar_is_dead_the_next_in_rank_publishes_for_it()
    {
        var (rig, master) = await SidecarRig.StartAsync("rank");
        await using var disposed = rig;
        await rig.WaitLookedAsync(master);
        foreach (var node in rig.Group.Redis.Where(n => n != master)) await rig.Sidecar(node).KillAsync();
        var next = await rig.FailOverAsync(master); // the old master's sidecar is the only one left
        await rig.WaitPublishedAsync(next);
        Assert.Contains("newer-token", rig.Done(master, "publish-route53"));
    }

    [Fact]
    public async Task A_wrong_zone_stops_publishing_and_neither_marker_nor_fence()
    {
        var (rig, master) = await SidecarRig.StartAsync("wrong", sidecars: false);
        await using var disposed = rig;
        await rig.StartSidecarAsync(master, ("ROUTE53_ZONE_ID", "no zone"));
        await rig.WaitDecisionAsync(master, "fence", "open");
        Assert.Contains(rig.Sidecar(master).Events("wrong-configuration"),
            e => e.GetProperty("message").GetString()!.Contains("ROUTE53_ZONE_ID", StringComparison.Ordinal));
        var markers = new MarkerStore(master.DataFolder);
        await Eventually.UntilAsync("a marker of the running server", () => markers.Read() is { IsKnown: true, Value.RunId: not null });
        Assert.Null(rig.Zone());
    }

    [Fact]
    public async Task In_shadow_mode_nothing_is_written_and_nothing_is_fenced()
    {
        var (rig, master) = await SidecarRig.StartAsync("shadow", sidecars: false);
        await using var disposed = rig;
        await rig.StartSidecarAsync(master, ("DRY_RUN", "true"));
        await Eventually.UntilAsync("its three words",
            () => rig.Done(master, "publish-route53").Concat(rig.Done(master, "publish-zone-file"))
                .Concat(rig.Done(master, "publish-endpoint-slice")).Count(code => code == "would-publish")
                == 3,
            null, rig.Tails);
        Assert.Null(rig.Zone());
        Assert.Equal(0, rig.Route53.Count("Change"));
        Assert.Null(rig.Slice().Address);
        await rig.CallAsync(master, "CONFIG", "SET", "min-replicas-to-write", "1000000");
        await rig.WaitDecisionAsync(master, "fence", "confirmed");
        Assert.Equal("1000000", await rig.ConfigAsync(master, "min-replicas-to-write"));
    }

    private static int SlicePuts(SidecarRig rig) =>
        rig.Kubernetes.Seen.Count(r => r.Method is "PUT" or "POST" && r.Path.Contains("endpointslices", StringComparison.Ordinal));
}
