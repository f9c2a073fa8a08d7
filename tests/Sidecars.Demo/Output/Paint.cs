namespace Sidecars.Demo.Output;

/// <summary>Colours by their meaning (ANSI SGR codes), or none.</summary>
internal sealed class Paint(bool color)
{
    public string Strong(string text) => Code("1", text);

    public string Faint(string text) => Code("2", text);

    public string Good(string text) => Code("32", text);

    public string Doubtful(string text) => Code("33", text);

    public string Bad(string text) => Code("31", text);

    private string Code(string code, string text) => color ? $"\e[{code}m{text}\e[0m" : text;
}
