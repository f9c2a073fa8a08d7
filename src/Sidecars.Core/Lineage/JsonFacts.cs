using System.Text.Json;

namespace Sidecars.Core.Lineage;

/// <summary>
/// A JSON object read with types: the first field that is missing or has another type becomes the fault of the whole document, and
/// reading goes on with a harmless value, so that a reader stays a straight list of fields. Not for hostile sizes: the caller
/// bounds the bytes.
/// </summary>
public sealed class JsonFacts
{
    /// <summary>Highest whole number that every reader of JSON takes exactly.</summary>
    public const long MaxExact = (1L << 53) - 1;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    private readonly JsonElement _object;
    private readonly JsonFacts _root;
    private readonly string _path;
    private FileFault? _fault;

    private JsonFacts(JsonElement element, JsonFacts? root, string path) => (_object, _root, _path) = (element, root ?? this, path);

    /// <summary>The first thing that was wrong, anywhere in the document.</summary>
    public FileFault? Fault => _root._fault;

    /// <summary>Parses one object; text after it, comments, more than 16 levels and a member given twice are refused.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out JsonFacts root, out FileFault fault) =>
        TryParse(utf8, JsonValueKind.Object, out root, out fault);

    /// <summary>As the other, of an object or an array; the items of an array are <see cref="Items"/>.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> utf8, JsonValueKind kind, out JsonFacts root, out FileFault fault)
    {
        root = new JsonFacts(default, null, "");
        fault = default;
        if (utf8.IndexOfAnyExcept(" \t\r\n\0"u8) < 0)
        {
            // A file of zero bytes, or of zeros, is what a crash leaves where the content was never synced.
            fault = new FileFault(FileFaultKind.Torn, "empty");
            return false;
        }

        try
        {
            root = new JsonFacts(JsonElement.Parse(utf8, Options), null, "");
            if (root._object.ValueKind == kind) return true;
            fault = new FileFault(FileFaultKind.WrongType, kind == JsonValueKind.Array ? "not an array" : "not an object");
        }
        catch (JsonException e)
        {
            fault = new FileFault(IsPrefix(utf8) ? FileFaultKind.Torn : FileFaultKind.WrongFormat, Where(e));
        }
        catch (InvalidOperationException)
        {
            fault = new FileFault(FileFaultKind.WrongFormat, "no JSON: a member's name is no text");
        }

        return false;
    }

    /// <summary>An object that was parsed already; anything else lacks every field.</summary>
    public static JsonFacts Of(JsonElement element) => new(element, null, "");

    /// <summary>Notes that the field is wrong; the first note stays.</summary>
    public void Wrong(string name, string why = "missing or of the wrong kind") =>
        _root._fault ??= new FileFault(FileFaultKind.WrongType, $"{_path}{name}: {why}");

    /// <summary>Reads a string of 1..<paramref name="max"/> characters.</summary>
    public string Text(string name, int max)
    {
        if (TryGet(name, out var value) && AsText(value, max) is { } text) return text;
        Wrong(name);
        return "";
    }

    /// <summary>As <see cref="Text"/>; null where the field is missing or null.</summary>
    public string? OptionalText(string name, int max) => Has(name) ? Text(name, max) : null;

    /// <summary>As <see cref="Text"/>, without control characters: a name that logs and people are shown.</summary>
    public string Name(string name, int max)
    {
        var text = Text(name, max);
        if (text.Any(char.IsControl)) Wrong(name, "has a control character");
        return text;
    }

    /// <summary>As <see cref="Name"/>; null where the field is missing or null.</summary>
    public string? OptionalName(string name, int max) => Has(name) ? Name(name, max) : null;

    /// <summary>A string of 0..<paramref name="max"/> characters; empty where the field is missing.</summary>
    public string TextOrEmpty(string name, int max) => TryGet(name, out var value) && !IsEmpty(value) ? Text(name, max) : "";

    /// <summary>Reads a whole number of 0..<paramref name="max"/>.</summary>
    public long Integer(string name, long max = long.MaxValue)
    {
        if (TryGet(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0
            && number <= max)
            return number;
        Wrong(name);
        return 0;
    }

    /// <summary>As <see cref="Integer"/>; null where the field is missing or null.</summary>
    public long? OptionalInteger(string name, long max = long.MaxValue) => Has(name) ? Integer(name, max) : null;

    /// <summary>Reads true or false.</summary>
    public bool Truth(string name)
    {
        if (TryGet(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.ValueKind == JsonValueKind.True;
        Wrong(name);
        return false;
    }

    /// <summary>As <see cref="Truth"/>; false where the field is missing or null.</summary>
    public bool OptionalTruth(string name) => Has(name) && Truth(name);

    /// <summary>Reads an object.</summary>
    public JsonFacts Object(string name)
    {
        if (TryGet(name, out var value) && value.ValueKind == JsonValueKind.Object) return new JsonFacts(value, _root, $"{_path}{name}.");
        Wrong(name);
        return new JsonFacts(default, _root, $"{_path}{name}.");
    }

    /// <summary>As <see cref="Object"/>; null where the field is missing or null.</summary>
    public JsonFacts? OptionalObject(string name) => Has(name) ? Object(name) : null;

    /// <summary>Reads an array of at most <paramref name="max"/> objects.</summary>
    public IReadOnlyList<JsonFacts> Objects(string name, int max) => ObjectsOf(TryGet(name, out var value) ? value : default, name, max);

    /// <summary>The items of a document that is an array of at most <paramref name="max"/> objects.</summary>
    internal IReadOnlyList<JsonFacts> Items(int max) => ObjectsOf(_object, "list", max);

    /// <summary>As <see cref="Objects"/>; null where the field is missing or null.</summary>
    public IReadOnlyList<JsonFacts>? OptionalObjects(string name, int max) => Has(name) ? Objects(name, max) : null;

    /// <summary>True where the field is there, be it null.</summary>
    public bool Contains(string name) => TryGet(name, out _);

    private List<JsonFacts> ObjectsOf(JsonElement array, string name, int max)
    {
        var items = new List<JsonFacts>();
        if (array.ValueKind != JsonValueKind.Array)
        {
            Wrong(name);
            return items;
        }

        if (array.GetArrayLength() > max)
        {
            Wrong(name, $"has more than {max} items");
            return items;
        }

        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object) Wrong(name);
            items.Add(new JsonFacts(item, _root, $"{_path}{name}[{items.Count}]."));
        }

        return items;
    }

    private bool Has(string name) => TryGet(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private bool TryGet(string name, out JsonElement value)
    {
        value = default;
        try
        {
            return _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(name, out value);
        }
        catch (InvalidOperationException)
        {
            return false; // another field's name is no text
        }
    }

    // With a member given twice two readers could believe two things; for this fault the parser names no line.
    private static string Where(JsonException e) =>
        e.LineNumber is { } line ? $"no JSON: line {line + 1}, byte {e.BytePositionInLine}" : "a member is there twice";

    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.String && value.ValueEquals("");

    private static string? AsText(JsonElement value, int max)
    {
        if (value.ValueKind != JsonValueKind.String) return null;
        try
        {
            return value.GetString() is { Length: > 0 } text && text.Length <= max ? text : null;
        }
        catch (InvalidOperationException)
        {
            return null; // bytes that are no UTF-8, or half a surrogate pair
        }
    }

    /// <summary>True where the bytes are the beginning of a JSON text: an interrupted write rather than something else.</summary>
    private static bool IsPrefix(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = 16 }));
        try
        {
            while (reader.Read())
            {
            }

            // The parser only waits for more, unless the text ended: then it is whole, and wrong by another rule.
            return reader is not { CurrentDepth: 0, TokenType: JsonTokenType.EndObject or JsonTokenType.EndArray };
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
