using Sidecars.Demo.Tenant;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Scenarios;

/// <summary>Every volume of the group is lost at once; the store is all that is left.</summary>
internal sealed class VolumesLostScenario : IScenario
{
    public string Name => "volumes-lost";

    public string Summary => "every volume emptied at once under load: the group restores itself from the store, to within the RPO";

    public async Task RunAsync(Stage stage)
    {
        using var store = new TempFolder("demo-store");
        var tool = Repository.NativeExecutable("redis-backup");
        foreach (var node in stage.Group.Redis)
            foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("RESTORE_ON_EMPTY", "true"), ("RESTORE_COMMAND", tool),
                ("BACKUP_STORE", store.Path)])
                node.Environment[name] = value;
        await using var reports = await LossSteps.StartAsync(stage);
        var uploaders =
            await Task.WhenAll(stage.Group.Redis.Select(node => ServerProcess.StartAsync(Uploader(stage, node, tool, store.Path))));
        try
        {
            stage.Display.Title("redis-backup ships the tail of one replica every second");
            var begun = TimeProvider.System.GetUtcNow();
            await Eventually.UntilAsync("a backup, and a tail that follows",
                async () => await StoreLook.CoveredUntilAsync(stage.Group, store.Path, stage.Cancellation) > begun,
                cancellation: stage.Cancellation);
            await stage.StepAsync("everything is killed, and every volume is emptied", async () =>
            {
                await Task.WhenAll(stage.Group.All.Select(node => node.KillAsync()));
                await Task.WhenAll(uploaders.Select(u => u.KillAsync()));
                foreach (var node in stage.Group.Redis) node.WipeData();
                stage.Display.Result(
                    $"the store holds all that was written until {(TimeProvider.System.GetUtcNow() - await StoreLook.CoveredUntilAsync(stage.Group, store.Path, stage.Cancellation)).TotalSeconds:0.0} s ago");
                await stage.Group.StartAsync(stage.Group.All, cancellation: stage.Cancellation);
            }, mayLose: "not yet in the store: it is written once a second");
        }
        finally
        {
            foreach (var uploader in uploaders) await uploader.DisposeAsync();
        }
    }

    private static ServerStart Uploader(Stage stage, LocalNode node, string tool, string store) =>
        LocalGroup.At(node.Place, new(tool, "run")
        {
            Name = "backup-" + node.Index,
            Environment = new Dictionary<string, string>
            {
                ["BACKUP_STORE"] = store,
                ["CLUSTER_ID"] = stage.Group.Options.ClusterId,
                ["NODE_NAME"] = node.Name,
                ["DATA_DIR"] = node.DataFolder,
                ["REDIS_HOST"] = (node.Place.Own ?? node.Endpoint).ToString(),
                ["BACKUP_LEASE_RENEW"] = "1000",
                ["BACKUP_LEASE_LIFE"] = "3000",
                ["METRICS_PORT"] = "0",
            },
        });
}
