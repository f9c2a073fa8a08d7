using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sidecars.Core.Hosting;

/// <summary>A named value of a log line: text, number, truth value, or ready JSON.</summary>
public readonly struct LogField
{
    private readonly string _name;
    private readonly string? _text;
    private readonly double _number;
    private readonly Kind _kind;

    private LogField(string name, Kind kind, string? text, double number) => (_name, _kind, _text, _number) = (name, kind, text, number);

    private enum Kind
    {
        Text,
        Number,
        Truth,
        Json,
    }

    /// <summary>A text field; null is written as JSON null.</summary>
    public static LogField Of(string name, string? value) => new(name, Kind.Text, value, 0);

    /// <summary>A number field; its name ends in the unit (<c>_ms</c>, <c>_bytes</c>).</summary>
    public static LogField Of(string name, double value) => new(name, Kind.Number, null, value);

    /// <summary>Creates a boolean field.</summary>
    public static LogField Of(string name, bool value) => new(name, Kind.Truth, null, value ? 1 : 0);

    /// <summary>A value that is JSON already (a serialized snapshot). A line of text leaves it out: it is for programs.</summary>
    public static LogField Json(string name, string json) => new(name, Kind.Json, json, 0);

    internal void WriteTo(Utf8JsonWriter json)
    {
        switch (_kind)
        {
            case Kind.Text: json.WriteString(_name, _text is null ? null : LogText.Cut(_text)); break;
            case Kind.Number: json.WriteNumber(_name, Rounded); break;
            case Kind.Truth: json.WriteBoolean(_name, _number != 0); break;
            default:
                json.WritePropertyName(_name);
                json.WriteRawValue(_text ?? "null");
                break;
        }
    }

    internal void WriteTo(StringBuilder line)
    {
        if (_kind == Kind.Json || (_kind == Kind.Text && string.IsNullOrEmpty(_text))) return;
        line.Append(' ').Append(_name).Append('=');
        switch (_kind)
        {
            case Kind.Number: line.Append(CultureInfo.InvariantCulture, $"{Rounded}"); break;
            case Kind.Truth: line.Append(_number != 0 ? "true" : "false"); break;
            default: LogText.AppendValue(line, _text!); break;
        }
    }

    private double Rounded => Math.Round(_number, 3);
}
