using System.Buffers;
using System.Text.Json;

namespace Sidecars.Core.Hosting;

/// <summary>How much a log line matters.</summary>
public enum LogLevel
{
    /// <summary>Detail for someone who is looking for a fault; off by default.</summary>
    Debug,

    /// <summary>What happens in normal running, once per change of state.</summary>
    Info,

    /// <summary>Degraded, heals by itself.</summary>
    Warning,

    /// <summary>Needs a person.</summary>
    Error,
}

/// <summary>
/// One JSON object a line: <c>ts</c> (UTC, RFC 3339 with milliseconds), <c>level</c>, <c>component</c>, <c>event</c>
/// (stable, for machines), <c>message</c> (for people), then the fields of the line. Safe for concurrent use; a line is one
/// write. Values of secrets are never passed here.
/// </summary>
/// <param name="write">Takes each line, with its end.</param>
/// <param name="component">The component named in every line.</param>
/// <param name="time">Stamps the lines.</param>
/// <param name="minimum">The lowest level that is written.</param>
public sealed class JsonLineLog(Action<ReadOnlySpan<byte>> write, string component, TimeProvider time, LogLevel minimum = LogLevel.Info)
{
    // Relaxed escaping: the log is no HTML, and "+switch-master" should read so.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new(512);

    /// <summary>Writes to a stream, while the caller waits; <see cref="QueuedLog"/> does not let it wait.</summary>
    public JsonLineLog(Stream output, string component, TimeProvider time, LogLevel minimum = LogLevel.Info)
        : this(line => Write(output, line), component, time, minimum)
    {
    }

    /// <summary>Writes a line if <paramref name="level"/> is at or above the configured minimum.</summary>
    public void Write(LogLevel level, string eventName, string message, params ReadOnlySpan<LogField> fields)
    {
        if (level < minimum) return;
        lock (_gate)
        {
            _line.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_line, WriterOptions))
            {
                json.WriteStartObject();
                json.WriteString("ts", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture));
                json.WriteString("level", level switch { LogLevel.Debug => "debug", LogLevel.Info => "info", LogLevel.Warning => "warning", _ => "error" });
                json.WriteString("component", component);
                json.WriteString("event", eventName);
                json.WriteString("message", message);
                foreach (var field in fields) field.WriteTo(json);
                json.WriteEndObject();
            }

            _line.Write("\n"u8);
            write(_line.WrittenSpan);
        }
    }

    /// <summary>A line at <see cref="LogLevel.Debug"/>.</summary>
    public void Debug(string eventName, string message, params ReadOnlySpan<LogField> fields) => Write(LogLevel.Debug, eventName, message, fields);

    /// <summary>A line at <see cref="LogLevel.Info"/>.</summary>
    public void Info(string eventName, string message, params ReadOnlySpan<LogField> fields) => Write(LogLevel.Info, eventName, message, fields);

    /// <summary>A line at <see cref="LogLevel.Warning"/>.</summary>
    public void Warning(string eventName, string message, params ReadOnlySpan<LogField> fields) => Write(LogLevel.Warning, eventName, message, fields);

    /// <summary>A line at <see cref="LogLevel.Error"/>.</summary>
    public void Error(string eventName, string message, params ReadOnlySpan<LogField> fields) => Write(LogLevel.Error, eventName, message, fields);

    private static void Write(Stream output, ReadOnlySpan<byte> line)
    {
        output.Write(line);
        output.Flush();
    }
}

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

    /// <summary>A truth value.</summary>
    public static LogField Of(string name, bool value) => new(name, Kind.Truth, null, value ? 1 : 0);

    /// <summary>A value that is JSON already (a serialized snapshot).</summary>
    public static LogField Json(string name, string json) => new(name, Kind.Json, json, 0);

    internal void WriteTo(Utf8JsonWriter json)
    {
        switch (_kind)
        {
            case Kind.Text: json.WriteString(_name, _text); break;
            case Kind.Number: json.WriteNumber(_name, Math.Round(_number, 3)); break;
            case Kind.Truth: json.WriteBoolean(_name, _number != 0); break;
            default:
                json.WritePropertyName(_name);
                json.WriteRawValue(_text ?? "null");
                break;
        }
    }
}
