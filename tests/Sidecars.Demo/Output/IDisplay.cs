namespace Sidecars.Demo.Output;

/// <summary>Shows a person what happens.</summary>
internal interface IDisplay : IAsyncDisposable
{
    /// <summary>From now on the stage's state is shown, too.</summary>
    void Attach(Stage stage);

    /// <summary>A step begins.</summary>
    void Title(string text);

    /// <summary>What came out of it.</summary>
    void Result(string text);

    /// <summary>Something that should not be.</summary>
    void Alarm(string text);
}
