namespace Sidecars.Failover.Status;

/// <summary>Colours of a terminal; none of them is the only bearer of a meaning.</summary>
/// <param name="on">False: plain text.</param>
internal sealed class Paint(bool on)
{
    private const string Red = "31", Green = "32", Yellow = "33", Bold = "1";

    private static readonly Dictionary<string, string> OfWord = new(StringComparer.Ordinal)
    {
        ["unreachable"] = Red,
        ["timed-out"] = Red,
        ["login-refused"] = Red,
        ["unusable"] = Red,
        ["tilt"] = Red,
        ["down"] = Red,
        ["fenced"] = Red,
        ["refused"] = Red,
        ["waiting"] = Yellow,
        ["loading"] = Yellow,
        ["syncing"] = Yellow,
        ["hand-over"] = Yellow,
        ["master"] = Bold,
    };

    public string Fault(string text) => In(Red, text);

    public string Note(string text) => In(Yellow, text);

    public string Good(string text) => In(Green, text);

    public string Head(string text) => In(Bold, text);

    /// <summary>Colours a cell of a table, by the word in it.</summary>
    public string Cell(string text) => OfWord.GetValueOrDefault(text.TrimEnd()) is { } colour ? In(colour, text) : text;

    // Not the padding behind it, which a terminal may underline or select.
    private string In(string colour, string text) => on && text.TrimEnd() is { Length: > 0 } word
        ? $"\e[{colour}m{word}\e[0m{text[word.Length..]}"
        : text;
}
