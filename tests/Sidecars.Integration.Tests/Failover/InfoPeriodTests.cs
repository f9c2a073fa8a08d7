using Sidecars.Core.Redis;
using Sidecars.Failover.Watch;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Failover;

/// <summary>Sentinels ask often enough to switch soon, by the users that redis-bootstrap gives them; one that starts anew, too.</summary>
[Collection(GroupTests.Name)]
public sealed class InfoPeriodTests
{
    [Fact]
    public async Task Every_Sentinel_asks_more_often_and_does_so_again_after_its_restart()
    {
        var (rig, _) = await SidecarRig.StartAsync("info-period");
        await using var _1 = rig;
        foreach (var sentinel in rig.Group.Sentinels) await WaitAsync(rig, sentinel);
        await rig.Group.Sentinels[1].KillAsync();
        await rig.Group.Sentinels[1].StartAsync();
        await WaitAsync(rig, rig.Group.Sentinels[1]);
    }

    private static Task WaitAsync(SidecarRig rig, LocalNode sentinel)
    {
        var periods = Enumerable.Range(0, 3).Select(rank => $"{InfoPeriod.Of(InfoPeriod.Default, rank).TotalMilliseconds:0}").ToHashSet();
        return Eventually.UntilAsync(
            $"the INFO-PERIOD of {sentinel}",
            async () =>
            {
                try
                {
                    await using var client = await rig.Group.ConnectAsync(sentinel, TimeSpan.FromSeconds(2));
                    var reply = await client.CallAsync(default, "SENTINEL", "DEBUG");
                    return reply.Items.SkipWhile(i => i.Text != "INFO-PERIOD").ElementAtOrDefault(1)?.Text is { } period
                        && periods.Contains(period);
                }
                catch (RedisConnectionException)
                {
                    return false; // it is starting
                }
            },
            TimeSpan.FromSeconds(20), rig.Tails);
    }
}
