using System.Text.Json;
using Sidecars.Core.Lineage;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// Documents ↔ JSON. By hand: without the serializer, here and in Election, redis-bootstrap is 1.26 MB smaller. Absent members stay absent,
/// and those that are not named here are written back as they were read.
/// </summary>
internal static class KubernetesJson
{
    public static LeaseDocument ReadLease(JsonMembers m) => new()
    {
        ApiVersion = m.Text("apiVersion"),
        Kind = m.Text("kind"),
        Metadata = Metadata(m),
        Spec = m.Object("spec") is { } spec ? ReadSpec(spec) : null,
        Unknown = m.Rest,
    };

    public static PodDocument ReadPod(JsonMembers m) => new()
    {
        ApiVersion = m.Text("apiVersion"),
        Kind = m.Text("kind"),
        Metadata = Metadata(m),
        Status = m.Object("status") is { } status ? new PodStatus { Phase = status.Text("phase"), PodIp = status.Text("podIP") } : null,
        Unknown = m.Rest,
    };

    public static StatusDocument ReadStatus(JsonMembers m) => new()
    {
        Kind = m.Text("kind"),
        Message = m.Text("message"),
        Reason = m.Text("reason"),
        Details = m.Object("details") is not { } details ? null : new StatusDetails
        {
            Causes = details.Objects("causes", c => new StatusCause { Field = c.Text("field") }),
            RetryAfterSeconds = details.Number("retryAfterSeconds"),
        },
    };

    public static byte[] Write(LeaseDocument lease) => Document(lease, json =>
    {
        if (lease.Spec is not { } spec) return;
        json.WriteStartObject("spec");
        Text(json, "holderIdentity", spec.HolderIdentity);
        Number(json, "leaseDurationSeconds", spec.LeaseDurationSeconds);
        Text(json, "acquireTime", spec.AcquireTime);
        Text(json, "renewTime", spec.RenewTime);
        Number(json, "leaseTransitions", spec.LeaseTransitions);
        Rest(json, spec.Unknown);
        json.WriteEndObject();
    });

    internal static ObjectMeta? Metadata(JsonMembers document) => document.Object("metadata") is not { } m ? null : new ObjectMeta
    {
        Name = m.Text("name"),
        Namespace = m.Text("namespace"),
        Uid = m.Text("uid"),
        ResourceVersion = m.Text("resourceVersion"),
        DeletionTimestamp = m.Text("deletionTimestamp"),
        Generation = m.LongNumber("generation"),
        Annotations = m.Texts("annotations"),
        Labels = m.Texts("labels"),
        Unknown = m.Rest,
    };

    private static LeaseSpec ReadSpec(JsonMembers m) => new()
    {
        HolderIdentity = m.Text("holderIdentity"),
        LeaseDurationSeconds = m.Number("leaseDurationSeconds"),
        AcquireTime = m.Text("acquireTime"),
        RenewTime = m.Text("renewTime"),
        LeaseTransitions = m.Number("leaseTransitions"),
        Unknown = m.Rest,
    };

    internal static byte[] Document(KubernetesDocument document, Action<Utf8JsonWriter> members) => JsonText.Object(json =>
    {
        Text(json, "apiVersion", document.ApiVersion);
        Text(json, "kind", document.Kind);
        if (document.Metadata is { } metadata)
        {
            json.WriteStartObject("metadata");
            Text(json, "name", metadata.Name);
            Text(json, "namespace", metadata.Namespace);
            Text(json, "uid", metadata.Uid);
            Text(json, "resourceVersion", metadata.ResourceVersion);
            Text(json, "deletionTimestamp", metadata.DeletionTimestamp);
            Number(json, "generation", metadata.Generation);
            Texts(json, "annotations", metadata.Annotations);
            Texts(json, "labels", metadata.Labels);
            Rest(json, metadata.Unknown);
            json.WriteEndObject();
        }

        members(json);
        Rest(json, document.Unknown);
    }).ToArray();

    internal static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    internal static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
    }

    internal static void Truth(Utf8JsonWriter json, string name, bool? value)
    {
        if (value is { } truth) json.WriteBoolean(name, truth);
    }

    internal static void TextList(Utf8JsonWriter json, string name, IReadOnlyList<string>? texts)
    {
        if (texts is null) return;
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string?>? texts)
    {
        if (texts is null) return;
        json.WriteStartObject(name);
        foreach (var (key, text) in texts) json.WriteString(key, text);
        json.WriteEndObject();
    }

    internal static void Objects<T>(Utf8JsonWriter json, string name, IReadOnlyList<T>? items, Action<T> members)
        where T : class
    {
        if (items is null) return;
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            members(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    internal static void Rest(Utf8JsonWriter json, Dictionary<string, JsonElement>? members)
    {
        if (members is null) return;
        foreach (var (name, value) in members)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }
    }
}
