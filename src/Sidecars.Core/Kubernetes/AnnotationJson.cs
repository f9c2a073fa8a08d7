using System.Buffers;
using System.Text;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Kubernetes;

/// <summary>Strict reading and writing of the small JSON values inside annotations. Unknown members are ignored (a newer neighbour's).</summary>
internal static class AnnotationJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 4 };
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Parses one annotation; absent gives null without a fault, anything unexpected a fault that names it.</summary>
    public static T? Read<T>(LeaseDocument lease, string annotation, JsonValueKind kind, Func<JsonElement, T> read, ref AnnotationFault? fault)
        where T : class
    {
        if (fault is not null || SidecarAnnotations.Get(lease, annotation) is not { } text) return null;
        if (text.Length > SidecarAnnotations.MaxValue)
        {
            fault = new AnnotationFault(annotation, $"is longer than {SidecarAnnotations.MaxValue} characters");
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text, Options);
            if (document.RootElement.ValueKind == kind) return read(document.RootElement);
            fault = new AnnotationFault(annotation, $"is no JSON {kind.ToString().ToLowerInvariant()}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            fault = new AnnotationFault(annotation, "is broken JSON");
        }
        catch (AnnotationException e)
        {
            fault = new AnnotationFault(annotation, e.Message);
        }

        return null;
    }

    /// <summary>Text of 1..<paramref name="max"/> characters without control characters.</summary>
    public static string Text(JsonElement parent, string name, int max)
    {
        var text = Only(parent, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw new AnnotationException($"{name} is no text");
        if (text.Length == 0 || text.Length > max || text.Any(char.IsControl)) throw new AnnotationException($"{name} is not 1..{max} printable characters");
        return text;
    }

    /// <summary>As <see cref="Text"/>, or null where the member is absent.</summary>
    public static string? OptionalText(JsonElement parent, string name, int max) => Only(parent, name) is null ? null : Text(parent, name, max);

    /// <summary>A whole number of at least 0.</summary>
    public static long Number(JsonElement parent, string name) =>
        Only(parent, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number >= 0
            ? number
            : throw new AnnotationException($"{name} is no whole number of at least 0");

    /// <summary>An address with its port.</summary>
    public static RedisEndpoint Address(JsonElement parent, string name) =>
        RedisEndpoint.TryParse(Text(parent, name, 300), 0x10000, out var endpoint) ? endpoint : throw new AnnotationException($"{name} is no address with a port");

    /// <summary>Forty lower-case hexadecimal digits, as replication ids and Sentinel ids have.</summary>
    public static string Hex40(JsonElement parent, string name)
    {
        var text = Text(parent, name, 40);
        return text.Length == 40 && text.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f') ? text : throw new AnnotationException($"{name} is not 40 hexadecimal digits");
    }

    /// <summary>The items of an array of at most <paramref name="max"/>.</summary>
    public static IReadOnlyList<T> Items<T>(JsonElement array, int max, Func<JsonElement, T> read)
    {
        if (array.GetArrayLength() > max) throw new AnnotationException($"has more than {max} items");
        var items = new List<T>();
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object) throw new AnnotationException("has an item that is no object");
            items.Add(read(item));
        }

        return items;
    }

    /// <summary>Writes a value as compact JSON.</summary>
    public static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, WriterOptions)) write(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // The same name twice would let two readers believe two things.
    private static JsonElement? Only(JsonElement parent, string name)
    {
        JsonElement? found = null;
        foreach (var member in parent.EnumerateObject())
        {
            if (!member.NameEquals(name)) continue;
            if (found is not null) throw new AnnotationException($"{name} is there twice");
            found = member.Value;
        }

        return found;
    }
}

/// <summary>Leaves the readers of one annotation; never leaves <see cref="AnnotationJson.Read"/>.</summary>
internal sealed class AnnotationException(string message) : Exception(message);
