using System.Text;
using System.Text.Json;

namespace Sidecars.Chart;

/// <summary>Writes a part as YAML with the conditions of Helm's templates in it.</summary>
internal sealed class Template
{
    private readonly StringBuilder _text = new();

    /// <summary>The file of one object, which is there on a condition or always.</summary>
    public static string Of(string? condition, MapPart part)
    {
        var template = new Template();
        if (condition is not null) template._text.Append(If(condition, "-")).Append('\n');
        template.Members(part.Entries, 0);
        if (condition is not null) template._text.Append("{{- end }}\n");
        return template._text.ToString();
    }

    private void Members(IEnumerable<Entry> entries, int indent) => Entries(entries, indent, entry =>
    {
        Indent(indent).Append(entry.Key).Append(':');
        Value(entry.Value, indent + 2);
    });

    private void Items(IEnumerable<Entry> entries, int indent) => Entries(entries, indent, entry =>
    {
        Indent(indent).Append('-');
        if (entry.Value is MapPart { Entries.Count: > 0 } map) Map(map, indent + 2);
        else Value(entry.Value, indent + 2);
    });

    // Neighbours with one condition are within one "if".
    private void Entries(IEnumerable<Entry> entries, int indent, Action<Entry> write)
    {
        string? open = null;
        foreach (var entry in entries)
        {
            if (entry.If != open)
            {
                if (open is not null) Indent(indent).Append("{{- end }}\n");
                if (entry.If is not null) Indent(indent).Append(If(entry.If, "-")).Append('\n');
                open = entry.If;
            }

            write(entry);
        }

        if (open is not null) Indent(indent).Append("{{- end }}\n");
    }

    // The first member stands behind the hyphen, so it must be one that is always there.
    private void Map(MapPart map, int indent)
    {
        var first = map.Entries.FirstOrDefault(entry => entry.If is null) ?? throw new InvalidDataException("an item of conditions only");
        _text.Append(' ').Append(first.Key).Append(':');
        Value(first.Value, indent + 2);
        Members(map.Entries.Where(entry => entry != first), indent);
    }

    private void Value(Part part, int indent)
    {
        switch (part)
        {
            case MapPart { Entries.Count: 0 }: _text.Append(" {}\n"); break;
            case ListPart { Entries.Count: 0 }: _text.Append(" []\n"); break;
            case MapPart map:
                _text.Append('\n');
                Members(map.Entries, indent);
                break;
            case ListPart list:
                _text.Append('\n');
                Items(list.Entries, indent);
                break;
            case RawPart raw when !raw.Lines.Contains('\n', StringComparison.Ordinal):
                _text.Append(' ').Append(raw.Lines).Append('\n');
                break;
            case RawPart raw:
                _text.Append('\n');
                foreach (var line in raw.Lines.Split('\n')) Indent(indent).Append(line).Append('\n');
                break;
            case ScalarPart { If: { } condition, Then: { } then } scalar:
                _text.Append(' ').Append(If(condition)).Append(Inline(then)).Append("{{ else }}").Append(Inline(scalar))
                    .Append("{{ end }}\n");
                break;
            case ScalarPart scalar when scalar.Text.Contains('\n', StringComparison.Ordinal): Block(scalar.Text, indent); break;
            case ScalarPart scalar: _text.Append(' ').Append(Inline(scalar)).Append('\n'); break;
        }
    }

    private void Block(string text, int indent)
    {
        _text.Append(text.EndsWith('\n') ? " |\n" : " |-\n");
        foreach (var line in Tokens.Fill(text).TrimEnd('\n').Split('\n'))
            if (line.Length == 0) _text.Append('\n');
            else Indent(indent).Append(line).Append('\n');
    }

    private static string Inline(ScalarPart scalar) =>
        scalar.Text.Contains('\n', StringComparison.Ordinal) ? throw new InvalidDataException("lines that depend on a condition")
        : scalar.IsText && !Tokens.IsWhole(scalar.Text) ? JsonSerializer.Serialize(Tokens.Fill(scalar.Text), ChartJson.Default.String)
        : Tokens.Fill(scalar.Text);

    // An operand needs its parentheses, a whole condition does not.
    private static string If(string condition, string trim = "") =>
        $"{{{{{trim} if {(condition[0] == '(' ? condition[1..^1] : condition)} }}}}";

    private StringBuilder Indent(int count) => _text.Append(' ', count);
}
