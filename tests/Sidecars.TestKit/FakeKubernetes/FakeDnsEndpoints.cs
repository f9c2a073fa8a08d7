using System.Text.Json.Nodes;

namespace Sidecars.TestKit.FakeKubernetes;

/// <summary>
/// What an API server does with a custom resource of external-dns' definition (its <c>config/crd</c>, apiextensions-apiserver's
/// <c>customresource/strategy.go</c>): unknown fields are dropped, known ones checked, the status belongs to its subresource, and the
/// generation rises with each change of what is neither metadata nor status.
/// </summary>
internal static class FakeDnsEndpoints
{
    public const string Resource = "dnsendpoints.externaldns.k8s.io";

    private static readonly string[] Types = ["A", "AAAA", "CNAME", "DNAME", "MX", "NAPTR", "NS", "PTR", "SRV", "TLSA", "TXT"];
    private static readonly string[] Top = ["apiVersion", "kind", "metadata", "spec", "status"];
    private static readonly string[] Fields =
        ["dnsName", "recordType", "recordTTL", "targets", "labels", "providerSpecific", "setIdentifier"];

    /// <summary>As it is stored: pruned, with the status and the generation of <paramref name="existing"/>.</summary>
    public static JsonObject Stored(JsonObject body, JsonObject? existing)
    {
        var next = body.DeepClone().AsObject();
        Keep(next, Top);
        if (next["spec"] is JsonObject spec)
        {
            Keep(spec, ["endpoints"]);
            foreach (var endpoint in spec["endpoints"] as JsonArray ?? []) Keep(endpoint!.AsObject(), Fields);
        }

        next.Remove("status");
        if (existing?["status"] is { } status) next["status"] = status.DeepClone();
        var generation = existing?["metadata"]?["generation"]?.GetValue<long>() ?? 0;
        next["metadata"]!["generation"] =
            existing is not null && JsonNode.DeepEquals(existing["spec"], next["spec"]) ? generation : generation + 1;
        return next;
    }

    /// <summary>Field and reason of the first thing that the definition does not admit; null: it does.</summary>
    public static (string Field, string Why)? Mistake(JsonObject body)
    {
        if (body["spec"] is null) return null;
        if (body["spec"] is not JsonObject spec) return ("spec", "must be of type object");
        if (spec["endpoints"] is null) return null;
        if (spec["endpoints"] is not JsonArray endpoints) return ("spec.endpoints", "must be of type array");
        if (endpoints.Count > 1000) return ("spec.endpoints", "must have at most 1000 items");
        for (var i = 0; i < endpoints.Count; i++)
        {
            var path = $"spec.endpoints[{i}]";
            if (endpoints[i] is not JsonObject endpoint) return (path, "must be of type object");
            if (Text(endpoint["dnsName"]) is not { Length: > 0 and <= 254 }) return (path + ".dnsName", "Required value");
            if (Text(endpoint["recordType"]) is not { } type || !Types.Contains(type)) return (path + ".recordType", "Unsupported value");
            if (endpoint["recordTTL"] is { } ttl && ttl.GetValue<long>() is < 0 or > int.MaxValue)
                return (path + ".recordTTL", "Invalid value");
            if (endpoint["targets"] is JsonArray targets
                && (targets.Count > 1000 || targets.Any(target => Text(target) is not { Length: > 0 and <= 4096 })))
                return (path + ".targets", "Invalid value");
        }

        return null;
    }

    /// <summary>external-dns, at its next turn: it takes what is there into its plan, and says so in the status.</summary>
    public static void Observe(JsonObject stored) =>
        stored["status"] = new JsonObject { ["observedGeneration"] = stored["metadata"]!["generation"]!.DeepClone() };

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static void Keep(JsonObject item, string[] fields)
    {
        foreach (var name in item.Select(member => member.Key).Except(fields).ToArray()) item.Remove(name);
    }
}
