using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Demo.Scenarios;

/// <summary>What the scenarios about Sentinels share.</summary>
internal static class SentinelSteps
{
    /// <summary>The group's Lease is there; that of a first installation is made by its first election.</summary>
    public static async Task PrepareAsync(Stage stage)
    {
        foreach (var node in stage.Group.Redis) node.Environment["ELECTION"] = "file";
        if (!ClusterId.TryParse(stage.Group.Options.ClusterId, out var cluster)) throw new InvalidOperationException("no cluster id");
        using var client = new KubernetesClient(stage.Group.Options.Kubernetes!.Config, TimeProvider.System);
        var store = new GroupLeaseStore(client, cluster, "redis", TimeProvider.System);
        await store.WriteAsync(store.Prepare(null, new GroupLeaseDocument { Term = 1 }, null, TimeSpan.FromSeconds(90)), stage.Cancellation);
    }

    /// <summary>Kills the master, waits for another one, and brings the killed one back.</summary>
    public static async Task FailOverByKillAsync(Stage stage)
    {
        var killed = stage.Watch.Last?.Master?.Node ?? throw new InvalidOperationException("There is not exactly one master.");
        await stage.StepAsync(
            $"kill -9 of the master, {killed}",
            killed.KillAsync,
            state => state.Master is { } m && m.Node != killed && state.LinkedReplicas == state.Redis.Length - 2 && state.Sentinels.All(s => s.Master == m.Node.Endpoint),
            lossPossible: true);
        await stage.StepAsync($"{killed} comes back", killed.StartAsync);
    }

    /// <summary>Says what held; ends the demo where it did not.</summary>
    public static void Expect(Stage stage, string what, bool held)
    {
        if (!held) throw new InvalidOperationException($"not so: {what}\n{stage.Watch.Last}");
        stage.Display.Result(what);
    }
}
