using Sidecars.Core.Election;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Demo.Scenarios;

/// <summary>What the scenarios about lost processes and disks share.</summary>
internal static class LossSteps
{
    /// <summary>A whole group with sidecars, a master on record, and a few seconds of writes behind every marker.</summary>
    public static async Task<GroupSidecars> StartAsync(Stage stage)
    {
        await stage.StartFromNothingAsync();
        var sidecars = GroupSidecars.Start(stage.Group);
        await Eventually.UntilAsync("the master to be on record", async () => (await sidecars.RecordAsync()).LastServing is not null,
            cancellation: stage.Cancellation);
        return sidecars;
    }

    public static LocalNode Master(Stage stage) =>
        stage.Watch.Last?.Master?.Node ?? throw new InvalidOperationException("There is not exactly one master.");

    /// <summary>Waits until the record says that the master's disk holds so much more than now.</summary>
    public static async Task WriteOnAsync(Stage stage, GroupSidecars sidecars, int reports = 4)
    {
        for (var i = 0; i < reports; i++)
        {
            var offset = (await sidecars.RecordAsync()).LastServing!.Offset;
            await Eventually.UntilAsync("more on record", async () => (await sidecars.RecordAsync()).LastServing!.Offset > offset,
                cancellation: stage.Cancellation);
        }
    }

    public static async Task<ElectionRecord> SayRecordAsync(Stage stage, GroupSidecars sidecars)
    {
        var record = await sidecars.RecordAsync();
        stage.Display.Result($"on record: term {record.Term}, {record.LastServing?.Node} serves under {record.LastServing?.Token}, "
            + $"{record.History.Length} replication id(s)");
        return record;
    }
}

/// <summary>Every Redis dies while the Sentinels live; the named master's disk is newest, then older, then gone.</summary>
internal sealed class RedisLossScenario : IScenario
{
    public string Name => "redis-loss";

    public string Summary => "every Redis killed under living Sentinels, the master's disk newest, stale, absent: the best disk wins";

    public async Task RunAsync(Stage stage)
    {
        await using var sidecars = await LossSteps.StartAsync(stage);
        await stage.StepAsync(
            "every Redis is killed, and comes back", () => KillAllAsync(stage, _ => { }), Agreed, mayLose: Stage.NotReplicated);

        var named = LossSteps.Master(stage);
        var old = named.SnapshotVolume();
        await LossSteps.WriteOnAsync(stage, sidecars);
        await stage.StepAsync($"again, and {named} has an older volume", () => KillAllAsync(stage, _ => named.RestoreVolume(old)), Agreed,
            mayLose: Stage.NotReplicated);
        SentinelSteps.Expect(stage, $"{LossSteps.Master(stage)}, not {named}, is master", LossSteps.Master(stage) != named);

        await LossSteps.WriteOnAsync(stage, sidecars);
        var emptied = LossSteps.Master(stage);
        await stage.StepAsync($"again, and {emptied} has an empty one", () => KillAllAsync(stage, _ => emptied.WipeData()), Agreed,
            mayLose: Stage.NotReplicated);
        SentinelSteps.Expect(stage, $"{LossSteps.Master(stage)}, not {emptied}, is master", LossSteps.Master(stage) != emptied);
        await LossSteps.SayRecordAsync(stage, sidecars);
    }

    private static async Task KillAllAsync(Stage stage, Action<Stage> disks)
    {
        await Task.WhenAll(stage.Group.Redis.Select(node => node.KillAsync()));
        disks(stage);
        await stage.Group.StartAsync(stage.Group.Redis, cancellation: stage.Cancellation);
    }

    private static bool Agreed(GroupState state) => state.LinkedReplicas == state.Redis.Length - 1
        && state.Sentinels.All(s => s.Master == state.Master?.Node.Endpoint && s.Flags == "master");
}

/// <summary>The power goes: all at once; the pods come back in any order, the Sentinels as new ones.</summary>
internal sealed class TotalLossScenario : IScenario
{
    public string Name => "total-loss";

    public string Summary => "all pods and Sentinels killed at once under load, back in random order, three times";

    public async Task RunAsync(Stage stage)
    {
        await using var sidecars = await LossSteps.StartAsync(stage);
        for (var i = 1; i <= 3; i++)
        {
            await LossSteps.WriteOnAsync(stage, sidecars, 2);
            await stage.StepAsync($"everything is killed at once, and comes back in any order ({i} of 3)", async () =>
            {
                await Task.WhenAll(stage.Group.All.Select(node => node.KillAsync()));
                foreach (var sentinel in stage.Group.Sentinels) sentinel.WipeConfig();
                await stage.Group.StartAsync(stage.Group.All.OrderBy(_ => Random.Shared.Next()),
                    _ => TimeSpan.FromMilliseconds(Random.Shared.Next(0, 600)), stage.Cancellation);
            }, mayLose: Stage.NotReplicated);
            await LossSteps.SayRecordAsync(stage, sidecars);
        }
    }
}

/// <summary>The master's volume is lost and its pod is back before anybody noticed that it was gone.</summary>
internal sealed class EmptyMasterScenario : IScenario
{
    public string Name => "empty-master";

    public string Summary => "the master's data directory is emptied and it restarts inside down-after: it hands over, wipes nobody";

    public bool InCluster => true;

    public async Task RunAsync(Stage stage)
    {
        await using var sidecars = await LossSteps.StartAsync(stage);
        for (var i = 1; i <= 3; i++)
        {
            await LossSteps.WriteOnAsync(stage, sidecars, 1);
            var master = LossSteps.Master(stage);
            await stage.StepAsync($"{master}, the master, loses its volume and is back at once ({i} of 3)", async () =>
            {
                await master.KillAsync();
                master.WipeData();
                await master.StartAsync();
            }, state => state.Problem is null && state.Master!.Node != master, mayLose: Stage.NotReplicated);
        }
    }
}

/// <summary>A volume is restored from a snapshot, and its pod is the first to come back.</summary>
internal sealed class StaleDiskScenario : IScenario
{
    public string Name => "stale-disk";

    public string Summary => "an older volume comes back first: it waits and says for whom; when the newer ones are there, one wins";

    public async Task RunAsync(Stage stage)
    {
        await using var sidecars = await LossSteps.StartAsync(stage);
        var stale = stage.Group.Redis.First(node => node != LossSteps.Master(stage));
        var old = stale.SnapshotVolume();
        await LossSteps.WriteOnAsync(stage, sidecars);
        await stage.StepAsync($"everything is killed; {stale} comes back alone with an older volume, then the others", async () =>
        {
            await Task.WhenAll(stage.Group.All.Select(node => node.KillAsync()));
            stale.RestoreVolume(old);
            await stale.StartAsync();
            await Eventually.UntilAsync(
                "it to say whom it waits for", () => Task.FromResult(Waits(stale) is not null), cancellation: stage.Cancellation);
            stage.Display.Result($"{stale}: {Waits(stale)}");
            foreach (var node in stage.Group.All.Where(n => n != stale)) await node.StartAsync();
        }, mayLose: Stage.NotReplicated);
        SentinelSteps.Expect(stage, $"{LossSteps.Master(stage)}, not {stale}, is master", LossSteps.Master(stage) != stale);
    }

    private static string? Waits(LocalNode node) =>
        node.Process!.Output.LastOrDefault(line => line.Contains("\"code\":\"election-wait\"", StringComparison.Ordinal)) is { } line
            ? System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()
            : null;
}

/// <summary>The API server goes away while pods restart.</summary>
internal sealed class ApiDownScenario : IScenario
{
    public string Name => "api-down";

    public string Summary => "the Kubernetes API is down while pods restart: not needed while Sentinels or peers answer";

    public bool InCluster => true;

    public async Task RunAsync(Stage stage)
    {
        await using var sidecars = await LossSteps.StartAsync(stage);
        await LossSteps.WriteOnAsync(stage, sidecars, 1);
        var api = stage.Group.Options.Kubernetes!;
        api.Forbids = (_, _, _) => true; // no call succeeds
        var replica = stage.Group.Redis.First(node => node != LossSteps.Master(stage));
        await stage.StepAsync($"API away: restart of {replica}", () => replica.RestartAsync());
        var master = LossSteps.Master(stage);
        await stage.StepAsync($"API away: kill -9 of the master, {master}", master.KillAsync,
            state => state.Master is { } m && m.Node != master && state.LinkedReplicas == 1, mayLose: Stage.NotReplicated);
        await stage.StepAsync($"API away: {master} comes back", master.StartAsync);
        await stage.StepAsync("every Redis killed with the Sentinels, API back after 5 s", async () =>
        {
            await Task.WhenAll(stage.Group.All.Select(node => node.KillAsync()));
            await stage.Group.StartAsync(cancellation: stage.Cancellation);
            await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, stage.Cancellation); // the outage itself
            api.Forbids = (_, _, _) => false;
        }, mayLose: Stage.NotReplicated);
        await LossSteps.SayRecordAsync(stage, sidecars);
    }
}
