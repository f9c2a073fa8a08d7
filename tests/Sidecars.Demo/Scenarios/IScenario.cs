namespace Sidecars.Demo.Scenarios;

/// <summary>Something that can happen to a group. A new one is a class and a row of <see cref="ScenarioTable"/>.</summary>
internal interface IScenario
{
    /// <summary>For --scenario.</summary>
    string Name { get; }

    /// <summary>For --list: one line.</summary>
    string Summary { get; }

    /// <summary>True: both sidecars run beside each Redis (<see cref="Stage.Tenant"/>).</summary>
    bool HasSidecars => false;

    /// <summary>True: the nodes are pods of an API server (a fake one).</summary>
    bool InCluster => false;

    /// <summary>Plays it from nothing; what it shows is measured by <see cref="Stage.StepAsync"/>. Waits on conditions only.</summary>
    /// <exception cref="TimeoutException">The group did not recover.</exception>
    Task RunAsync(Stage stage);
}
