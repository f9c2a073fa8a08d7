using System.Text.Json.Serialization;

namespace Sidecars.Chart;

/// <summary>Texts in double quotes, whose escapes YAML reads as JSON does.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class ChartJson : JsonSerializerContext;
