using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Scenarios;

/// <summary>Sentinels are replaced one after the other, each by a new pod at another address; none leaves a ghost.</summary>
internal sealed class SentinelChurnScenario : IScenario
{
    private const int Replacements = 30;

    public string Name => "sentinel-churn";

    public string Summary => $"Sentinels replaced by new pods {Replacements} times: each still knows exactly the others; then a failover";

    public bool InCluster => true;

    public async Task RunAsync(Stage stage)
    {
        await stage.StartFromNothingAsync();
        await using var sidecars = GroupSidecars.Start(stage.Group);
        await stage.StepAsync($"{Replacements} Sentinels replaced, one after the other", async () =>
        {
            for (var i = 0; i < Replacements; i++)
            {
                await stage.Group.ReplaceSentinelAsync(stage.Group.Sentinels[i % stage.Group.Sentinels.Length]);
                await stage.Watch.WaitForAsync(
                    $"no ghost after replacement {i + 1}", NoGhosts, TimeSpan.FromSeconds(60), stage.Cancellation);
            }
        });
        SentinelSteps.Expect(stage, $"every Sentinel knows exactly {stage.Group.Sentinels.Length - 1} others", NoGhosts(stage.Watch.Last!));

        var lost = stage.Group.Sentinels[^1];
        await stage.StepAsync(
            $"{lost} is lost", lost.KillAsync, state => state.Master is not null && state.LinkedReplicas == state.Redis.Length - 1);
        var master = stage.Watch.Last!.Master!.Node;
        await stage.StepAsync(
            $"kill -9 of {master} with one Sentinel lost",
            master.KillAsync,
            state => state.Master is { } m && m.Node != master && state.LinkedReplicas == state.Redis.Length - 2,
            mayLose: Stage.NotReplicated);
    }

    private static bool NoGhosts(GroupState state) => state.Sentinels.All(s =>
        s.KnownOthers == state.Sentinels.Length - 1 && s.Others == state.Sentinels.Length - 1 && s.Master == state.Master?.Node.Endpoint);
}
