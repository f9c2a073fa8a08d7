using System.Buffers;
using System.Text;
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
/// (stable, for machines), <c>message</c> (for people), then the fields of the line; as <see cref="LogFormat.Text"/> the same, in this
/// order. Safe for concurrent use; a line is one write. Values of secrets are never passed here.
/// </summary>
/// <param name="write">Takes each line, with its end.</param>
/// <param name="component">The component named in every line.</param>
/// <param name="time">Stamps the lines.</param>
/// <param name="minimum">The lowest level that is written.</param>
/// <param name="isText">True for <see cref="LogFormat.Text"/>.</param>
public sealed class JsonLineLog(
    Action<ReadOnlySpan<byte>> write, string component, TimeProvider time, LogLevel minimum = LogLevel.Info, bool isText = false)
{
    // Relaxed escaping: the log is no HTML, and "+switch-master" should read so.
    private static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new(512);

    /// <summary>Writes to a stream, while the caller waits; <see cref="QueuedLog"/> does not let it wait.</summary>
    public JsonLineLog(Stream output, string component, TimeProvider time, LogLevel minimum = LogLevel.Info)
        : this(line => Write(output, line), component, time, minimum)
    {
    }

    /// <summary>Takes each decision with its snapshot; null: snapshots are not kept.</summary>
    internal JsonLineLog? Snapshots { get; init; }

    /// <summary>Writes a line if <paramref name="level"/> is at or above the configured minimum.</summary>
    public void Write(LogLevel level, string eventName, string message, params ReadOnlySpan<LogField> fields)
    {
        if (level < minimum) return;
        lock (_gate)
        {
            _line.ResetWrittenCount();
            var ts = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture);
            if (isText) WriteText(ts, Name(level), eventName, message, fields);
            else WriteJson(ts, Name(level), eventName, message, fields);
            _line.Write("\n"u8);
            write(_line.WrittenSpan);
        }
    }

    /// <summary>A decision: one short line here, and one with its snapshot where snapshots are kept.</summary>
    /// <param name="level">Of the line.</param>
    /// <param name="reason">In words.</param>
    /// <param name="snapshot">What it was taken on, as JSON; asked for only where it is kept.</param>
    /// <param name="fields">The code, and what else tells it from others.</param>
    public void Decision(LogLevel level, string reason, Func<string> snapshot, params ReadOnlySpan<LogField> fields)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Write(level, "decision", reason, fields);
        Snapshots?.Write(level, "decision", reason, [.. fields, LogField.Json("snapshot", snapshot())]);
    }

    /// <summary>Logs a line at <see cref="LogLevel.Debug"/>.</summary>
    public void Debug(string eventName, string message, params ReadOnlySpan<LogField> fields) =>
        Write(LogLevel.Debug, eventName, message, fields);

    /// <summary>Logs a line at <see cref="LogLevel.Info"/>.</summary>
    public void Info(string eventName, string message, params ReadOnlySpan<LogField> fields) =>
        Write(LogLevel.Info, eventName, message, fields);

    /// <summary>Logs a line at <see cref="LogLevel.Warning"/>.</summary>
    public void Warning(string eventName, string message, params ReadOnlySpan<LogField> fields) =>
        Write(LogLevel.Warning, eventName, message, fields);

    /// <summary>Logs a line at <see cref="LogLevel.Error"/>.</summary>
    public void Error(string eventName, string message, params ReadOnlySpan<LogField> fields) =>
        Write(LogLevel.Error, eventName, message, fields);

    private static string Name(LogLevel level) =>
        level switch { LogLevel.Debug => "debug", LogLevel.Info => "info", LogLevel.Warning => "warning", _ => "error" };

    private void WriteJson(string ts, string level, string eventName, string message, ReadOnlySpan<LogField> fields)
    {
        using var json = new Utf8JsonWriter(_line, WriterOptions);
        json.WriteStartObject();
        json.WriteString("ts", ts);
        json.WriteString("level", level);
        json.WriteString("component", component);
        json.WriteString("event", eventName);
        json.WriteString("message", LogText.Cut(message));
        foreach (var field in fields) field.WriteTo(json);
        json.WriteEndObject();
    }

    private void WriteText(string ts, string level, string eventName, string message, ReadOnlySpan<LogField> fields)
    {
        var line = new StringBuilder(ts).Append(' ').Append(level).Append(' ').Append(component).Append(' ').Append(eventName).Append(' ');
        LogText.AppendMessage(line, message);
        foreach (var field in fields) field.WriteTo(line);
        Encoding.UTF8.GetBytes(line.ToString(), _line);
    }

    private static void Write(Stream output, ReadOnlySpan<byte> line)
    {
        output.Write(line);
        output.Flush();
    }
}
