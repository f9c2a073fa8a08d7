using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Scenarios;

/// <summary>All Sentinels are lost with everything they knew; the epoch goes on from where it was, so that tokens stay ordered.</summary>
internal sealed class SentinelLossScenario : IScenario
{
    public string Name => "sentinel-loss";

    public string Summary => "failover, then all Sentinels lost and rebuilt while Redis lives: the epoch goes on from where it was";

    public bool InCluster => true;

    public async Task RunAsync(Stage stage)
    {
        await stage.StartFromNothingAsync();
        await using var sidecars = GroupSidecars.Start(stage.Group);
        await SentinelSteps.FailOverByKillAsync(stage);
        var epoch = stage.Watch.Last!.Sentinels[0].Epoch;
        await Eventually.UntilAsync(
            $"epoch {epoch} to be kept", async () => await sidecars.KeptEpochAsync() == epoch, cancellation: stage.Cancellation);

        await stage.StepAsync($"all Sentinels lost in epoch {epoch}, three new pods", async () =>
        {
            var lost = stage.Group.Sentinels;
            await Task.WhenAll(lost.Select(node => node.KillAsync()));
            foreach (var node in lost) await stage.Group.ReplaceSentinelAsync(node);
        });
        SentinelSteps.Expect(stage, $"the rebuilt Sentinels are in epoch {epoch}", stage.Watch.Last!.Sentinels.All(s => s.Epoch == epoch));

        await SentinelSteps.FailOverByKillAsync(stage);
        SentinelSteps.Expect(stage, $"the next failover is epoch {epoch + 1}", stage.Watch.Last!.Sentinels.All(s => s.Epoch == epoch + 1));
    }
}
