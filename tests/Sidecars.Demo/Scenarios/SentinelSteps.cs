namespace Sidecars.Demo.Scenarios;

/// <summary>What the scenarios about Sentinels share.</summary>
internal static class SentinelSteps
{
    /// <summary>Kills the master, waits for another one, and brings the killed one back.</summary>
    public static async Task FailOverByKillAsync(Stage stage)
    {
        var killed = stage.Watch.Last?.Master?.Node ?? throw new InvalidOperationException("There is not exactly one master.");
        await stage.StepAsync(
            $"kill -9 of the master, {killed}",
            killed.KillAsync,
            state => state.Master is { } m && m.Node != killed && state.LinkedReplicas == state.Redis.Length - 2
                && state.Sentinels.All(s => s.Master == m.Node.Endpoint),
            mayLose: Stage.NotReplicated);
        await stage.StepAsync($"{killed} comes back", killed.StartAsync);
    }

    /// <summary>Says what held; ends the demo where it did not.</summary>
    public static void Expect(Stage stage, string what, bool held)
    {
        if (!held) throw new InvalidOperationException($"not so: {what}\n{stage.Watch.Last}");
        stage.Display.Result(what);
    }
}
