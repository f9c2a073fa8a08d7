namespace Sidecars.Demo.Scenarios;

/// <summary>The whole product, up and taking writes; nothing goes wrong.</summary>
internal sealed class StartScenario : IScenario
{
    public string Name => "start";

    public string Summary => "the whole product, until a whole group takes writes: with --keep, a group to try things on";

    public bool HasSidecars => true;

    public Task RunAsync(Stage stage) => stage.StartFromNothingAsync();
}
