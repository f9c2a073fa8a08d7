using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sidecars.Core.Lineage;

/// <summary>A replication id as its 40 digits; anything else is a <see cref="JsonException"/>.</summary>
public sealed class ReplicationIdJsonConverter : JsonConverter<ReplicationId>
{
    /// <inheritdoc/>
    public override ReplicationId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && ReplicationId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException("no replication id");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ReplicationId value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.ToString());
    }
}
