using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sidecars.Core.Lineage;

/// <summary>
/// Writes JSON. It stands in files, logs and annotations, none of which is HTML: only what JSON itself asks for is escaped.
/// </summary>
internal static class JsonText
{
    /// <summary>Writes one object as UTF-8; <paramref name="members"/> writes its members.</summary>
    public static ReadOnlySpan<byte> Object(Action<Utf8JsonWriter> members, bool indented = false) => Utf8(
        json =>
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        },
        indented);

    /// <summary>Writes one object as text.</summary>
    public static string OfObject(Action<Utf8JsonWriter> members) => Encoding.UTF8.GetString(Object(members));

    /// <summary>Writes a list of objects as text.</summary>
    public static string OfObjects<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> members) => Encoding.UTF8.GetString(Utf8(
        json =>
        {
            json.WriteStartArray();
            foreach (var item in items)
            {
                json.WriteStartObject();
                members(json, item);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        },
        indented: false));

    private static ReadOnlySpan<byte> Utf8(Action<Utf8JsonWriter> write, bool indented)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = indented };
        using (var json = new Utf8JsonWriter(buffer, options)) write(json);
        return buffer.WrittenSpan;
    }
}
