using System.Text.Json;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// The members of one JSON object of the API server. What was not asked for by name stays in <see cref="Rest"/>. A member that is null
/// counts as absent; one of another type is a <see cref="JsonException"/>. Bytes are bounded by the caller, levels at 64. Apart from
/// <see cref="Lineage.JsonFacts"/>, which reads what is ours: these objects are another's, taken as Go takes them, and written back whole.
/// </summary>
internal sealed class JsonMembers
{
    private readonly Dictionary<string, JsonElement> _rest = new(StringComparer.Ordinal);

    private JsonMembers(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new JsonException("an object was expected");
        foreach (var member in element.EnumerateObject()) _rest[member.Name] = member.Value; // the last of a name counts, as in Go
    }

    /// <summary>What was not asked for; null where there is none.</summary>
    public Dictionary<string, JsonElement>? Rest => _rest.Count == 0 ? null : _rest;

    /// <summary>Reads one object.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    /// <exception cref="InvalidOperationException">A text is not UTF-8.</exception>
    public static JsonMembers Parse(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return new JsonMembers(document.RootElement.Clone());
    }

    public string? Text(string name) => Take(name, JsonValueKind.String) is { } value ? value.GetString() : null;

    public int? Number(string name) =>
        Take(name, JsonValueKind.Number) is not { } value ? null
            : value.TryGetInt32(out var number) ? number
            : throw new JsonException($"{name} is not a number of 32 bits");

    public long? LongNumber(string name) =>
        Take(name, JsonValueKind.Number) is not { } value ? null
            : value.TryGetInt64(out var number) ? number
            : throw new JsonException($"{name} is not a number of 64 bits");

    public bool? Truth(string name)
    {
        if (!_rest.Remove(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new JsonException($"{name} is neither true nor false")
        };
    }

    public JsonMembers? Object(string name) => Take(name, JsonValueKind.Object) is { } value ? new JsonMembers(value) : null;

    /// <summary>Reads annotations or labels.</summary>
    public IReadOnlyDictionary<string, string?>? Texts(string name)
    {
        if (Take(name, JsonValueKind.Object) is not { } value) return null;
        var texts = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject()) texts[member.Name] = TextOf(member.Value, member.Name);
        return texts;
    }

    /// <summary>Reads texts in order.</summary>
    public IReadOnlyList<string>? TextList(string name)
    {
        if (Take(name, JsonValueKind.Array) is not { } value) return null;
        var items = new List<string>();
        foreach (var item in value.EnumerateArray())
            items.Add(TextOf(item, name) ?? throw new JsonException($"{name} has an item that is null"));
        return items;
    }

    /// <summary>Reads objects in order.</summary>
    public IReadOnlyList<T>? Objects<T>(string name, Func<JsonMembers, T> read)
        where T : class
    {
        if (Take(name, JsonValueKind.Array) is not { } value) return null;
        var items = new List<T>();
        foreach (var item in value.EnumerateArray()) items.Add(read(new JsonMembers(item)));
        return items;
    }

    private static string? TextOf(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => throw new JsonException($"{name} is not text"),
    };

    private JsonElement? Take(string name, JsonValueKind kind)
    {
        if (!_rest.Remove(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == kind ? value : throw new JsonException($"{name} is no {kind}");
    }
}
