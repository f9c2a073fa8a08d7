namespace Sidecars.Demo.Scenarios;

/// <summary>All scenarios, in the order in which --list shows them.</summary>
internal static class ScenarioTable
{
    public static IReadOnlyList<IScenario> All { get; } =
    [
        new TourScenario(), new StartScenario(), new RollingScenario(), new RedisLossScenario(), new TotalLossScenario(),
        new EmptyMasterScenario(), new StaleDiskScenario(),
        new VolumesLostScenario(), new TenantSwapScenario(), new SentinelLossScenario(), new SentinelChurnScenario(), new ApiDownScenario(),
    ];

    public static IScenario? Find(string name) => All.FirstOrDefault(s => s.Name == name);
}
