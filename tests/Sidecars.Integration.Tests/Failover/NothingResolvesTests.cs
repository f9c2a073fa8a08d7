using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>A sidecar that starts while its announced name does not resolve and the API server sends everybody away.</summary>
[Collection(GroupTests.Name)]
public sealed class NothingResolvesTests
{
    [Fact]
    public async Task Marker_fence_publisher_and_death_watch_take_the_address_from_the_server_and_run()
    {
        var (rig, master) = await SidecarRig.StartAsync("nameless");
        await using var disposed = rig;
        rig.Kubernetes.Weather = () => new Fault.Error(429, "TooManyRequests", 30);
        await rig.StartSidecarAsync(master, ("ANNOUNCE_HOST", "nowhere.invalid"));
        await rig.WaitDecisionAsync(master, "fence", "open");
        await rig.WaitDecisionAsync(master, "publish", "own-master");

        var markers = new MarkerStore(master.DataFolder);
        HashSet<string?> written = [];
        await Eventually.UntilAsync("three markers", () =>
        {
            var marker = markers.Read();
            Assert.True(marker.IsKnown, marker.ToString());
            Assert.Equal(master.Endpoint, marker.Value.Announced?.Address);
            return written.Add(marker.Value.WrittenAt) && written.Count >= 4;
        });

        await master.KillAsync();
        await rig.WaitDecisionAsync(master, "death", "succeed");
        rig.Kubernetes.Weather = null;
        _ = await rig.WaitMasterAfterAsync(master);
    }
}
