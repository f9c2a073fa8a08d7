using System.Globalization;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>
/// Tokens hold Sentinel's epoch: Sentinels rebuilt from nothing that counted from 0 could fail over, and nobody would publish it.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class EpochTests
{
    [Fact]
    public async Task A_replaced_master_that_no_Sentinel_lived_to_demote_is_demoted_by_those_that_start_anew()
    {
        var (rig, replaced) = await SidecarRig.StartAsync("undemoted");
        await using var disposed = rig;
        replaced.Process!.Pause(); // nobody demotes it meanwhile
        var next = await rig.WaitPublishedAfterAsync(replaced);
        await rig.WaitDecisionAsync(next, "epoch", "epoch-raised");
        await Task.WhenAll(rig.Group.Sentinels.Select(node => node.KillAsync()));
        replaced.Process.Resume();
        await rig.Group.WaitForAsync("two masters", s => s.Redis.Count(r => r.IsMaster) == 2);
        await rig.Group.StartAsync(rig.Group.Sentinels);
        await rig.Group.WaitForAsync(
            "the replaced one as a replica", s => s.Master?.Node == next && s.LinkedReplicas == 2, TimeSpan.FromSeconds(60));
        Assert.Contains(rig.Group.Sentinels,
            sentinel => sentinel.Process!.Output.Any(line => line.Contains("monitor-successor", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task After_all_Sentinels_were_lost_the_next_failover_is_published_with_a_higher_token()
    {
        var (rig, first) = await SidecarRig.StartAsync("epochs");
        await using var disposed = rig;
        var second = await rig.FailOverAsync(first);
        await rig.WaitPublishedAsync(second);
        var before = rig.Zone()!.Token;
        Assert.True(before.Epoch > 0, $"{before}");
        await rig.Group.WaitAgreedAsync();
        // The record of the group has the epoch; the sidecars keep it there.
        await Eventually.UntilAsync("the epoch to be kept", () => Kept() == before.Epoch.ToString(CultureInfo.InvariantCulture));

        await Task.WhenAll(rig.Group.Sentinels.Select(node => node.KillAsync()));
        foreach (var sentinel in rig.Group.Sentinels) sentinel.WipeConfig();
        await rig.Group.StartAsync(rig.Group.Sentinels);
        var rebuilt = await rig.Group.WaitAgreedAsync();
        Assert.Equal(second, rebuilt.Master!.Node);
        Assert.True(rebuilt.Sentinels[0].Epoch >= before.Epoch, $"epoch {rebuilt.Sentinels[0].Epoch} after {before.Epoch}");

        var third = await rig.FailOverAsync(second);
        await rig.WaitPublishedAsync(third);
        Assert.True(rig.Zone()!.Token > before, $"{rig.Zone()!.Token} after {before}");
        Assert.Equal(rig.Zone()!.Token, rig.Slice().Token);

        string? Kept() => rig.Kubernetes.Objects.Get("leases.coordination.k8s.io", FakeKubernetesServer.Namespace, "redis")
            .Object["metadata"]?["annotations"]?["sidecars.redis/highest-epoch"]?.GetValue<string>();
    }
}
