using System.Globalization;
using System.Text.Json.Nodes;

namespace Sidecars.TestKit.FakeKubernetes;

/// <summary>The answer to one request: a status and an object, which is a Status object for an error.</summary>
public sealed record FakeAnswer(int Code, JsonObject Object)
{
    /// <summary>An error as the real server words it.</summary>
    public static FakeAnswer Error(int code, string reason, string message, JsonObject? details = null) => new(code, new JsonObject
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = message,
        ["reason"] = reason,
        ["details"] = details,
        ["code"] = code,
    });
}

/// <summary>
/// The objects of one API server with the rules of its generic registry (apiserver
/// <c>pkg/registry/generic/registry/store.go</c>, <c>Store.Update</c>): one growing resourceVersion, uid as precondition,
/// create by PUT for Leases but not for EndpointSlices, unconditional update for EndpointSlices but not for Leases; a custom resource
/// (<see cref="FakeDnsEndpoints"/>) takes neither.
/// Safe for concurrent use.
/// </summary>
public sealed class FakeObjects
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Resource, string Namespace, string Name), JsonObject> _objects = [];
    private long _version = 1000;

    /// <summary>
    /// Called with each object that a request has written (resource, object), in the order of writing; it must not call back.
    /// </summary>
    public Action<string, JsonObject>? Written { get; set; }

    public FakeAnswer Get(string resource, string ns, string name)
    {
        lock (_gate)
            return _objects.TryGetValue((resource, ns, name), out var found) ? new FakeAnswer(200, Copy(found)) : NotFound(resource, name);
    }

    public FakeAnswer Post(string resource, string ns, JsonObject body)
    {
        var name = Text(body, "name") ?? "";
        lock (_gate)
        {
            if (Text(body, "resourceVersion") is not null)
                return FakeAnswer.Error(500, "InternalError", "resourceVersion should not be set on objects to be created");
            if (_objects.ContainsKey((resource, ns, name)))
                return FakeAnswer.Error(409, "AlreadyExists", $"{resource} \"{name}\" already exists");
            return Create(resource, ns, name, body);
        }
    }

    public FakeAnswer Put(string resource, string ns, string name, JsonObject body)
    {
        lock (_gate)
        {
            if (Text(body, "name") is { } named && named != name)
                return FakeAnswer.Error(400, "BadRequest", $"the name of the object ({named}) does not match the name on the URL ({name})");
            _objects.TryGetValue((resource, ns, name), out var existing);
            if (existing is null && !resource.StartsWith("leases", StringComparison.Ordinal)) return NotFound(resource, name);
            if (Text(body, "uid") is { Length: > 0 } uid && uid != (existing is null ? "" : Text(existing, "uid")))
            {
                return Conflict(
                    resource, name, $"StorageError: invalid object, Code: 4, Key: /registry/{resource}/{ns}/{name}, ResourceVersion: 0, "
                        + $"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: "
                        + $"{(existing is null ? "" : Text(existing, "uid"))}");
            }

            // A stale resourceVersion without a uid creates: the registry looks at it only where an object exists.
            if (existing is null) return Create(resource, ns, name, body);
            var version = Text(body, "resourceVersion");
            if (string.IsNullOrEmpty(version)
                && (resource.StartsWith("leases", StringComparison.Ordinal) || resource == FakeDnsEndpoints.Resource))
                return VersionMissing(resource, name);
            if (!string.IsNullOrEmpty(version) && version != Text(existing, "resourceVersion"))
                return Conflict(
                    resource, name, "the object has been modified; please apply your changes to the latest version and try again");
            if (Invalid(resource, name, body) is { } invalid) return invalid;
            var next = resource == FakeDnsEndpoints.Resource ? FakeDnsEndpoints.Stored(body, existing) : Copy(body);
            var metadata = next["metadata"]!.AsObject();
            foreach (var kept in (string[])["uid", "creationTimestamp", "namespace"])
                metadata[kept] = existing["metadata"]![kept]?.DeepClone();
            metadata["resourceVersion"] = Next();
            _objects[(resource, ns, name)] = next;
            Written?.Invoke(resource, next);
            return new FakeAnswer(200, Copy(next));
        }
    }

    /// <summary>
    /// A JSON merge patch (RFC 7396) of a Pod through its status: <c>podStatusStrategy.PrepareForUpdate</c> keeps spec and owners and takes
    /// the rest. The uid of a patch is a precondition.
    /// </summary>
    public FakeAnswer PatchPodStatus(string ns, string name, JsonObject patch)
    {
        lock (_gate)
        {
            if (!_objects.TryGetValue(("pods", ns, name), out var existing)) return NotFound("pods", name);
            if (Text(patch, "uid") is { } uid && uid != Text(existing, "uid"))
                return Conflict(
                    "pods", name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {Text(existing, "uid")}");
            var next = Copy(existing);
            Merge(next, patch);
            Keep(next, existing, "spec");
            Keep(next["metadata"]!.AsObject(), existing["metadata"]!.AsObject(), "ownerReferences");
            // What changes nothing is not stored.
            if (!JsonNode.DeepEquals(next, existing)) next["metadata"]!["resourceVersion"] = Next();
            _objects[("pods", ns, name)] = next;
            return new FakeAnswer(200, Copy(next));
        }
    }

    /// <summary>Puts an object there by another hand (a controller, a person), replacing an older one.</summary>
    public void Seed(string resource, string ns, JsonObject body)
    {
        lock (_gate)
        {
            var name = Text(body, "name")!;
            _objects.Remove((resource, ns, name));
            Create(resource, ns, name, body);
        }
    }

    /// <summary>Changes an object by another hand.</summary>
    public void Change(string resource, string ns, string name, Action<JsonObject> change)
    {
        lock (_gate)
        {
            var found = _objects[(resource, ns, name)];
            change(found);
            found["metadata"]!["resourceVersion"] = Next();
        }
    }

    /// <summary>external-dns has taken what the DNSEndpoint says now.</summary>
    public void Observe(string ns, string name) => Change(FakeDnsEndpoints.Resource, ns, name, FakeDnsEndpoints.Observe);

    /// <summary>Deletes an object by another hand.</summary>
    public void Delete(string resource, string ns, string name)
    {
        lock (_gate)
        {
            _objects.Remove((resource, ns, name));
            Next();
        }
    }

    private FakeAnswer Create(string resource, string ns, string name, JsonObject body)
    {
        if (Invalid(resource, name, body) is { } invalid) return invalid;
        var created = resource == FakeDnsEndpoints.Resource ? FakeDnsEndpoints.Stored(body, null) : Copy(body);
        var metadata = created["metadata"]!.AsObject();
        metadata["namespace"] = ns;
        metadata["uid"] = Text(body, "uid") ?? Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = "2026-11-20T10:00:00Z";
        metadata["resourceVersion"] = Next();
        _objects[(resource, ns, name)] = created;
        Written?.Invoke(resource, created);
        return new FakeAnswer(201, Copy(created));
    }

    private static void Keep(JsonObject next, JsonObject existing, string member)
    {
        next.Remove(member);
        if (existing[member] is { } value) next[member] = value.DeepClone();
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null) target.Remove(key);
            else if (value is JsonObject inner && target[key] is JsonObject there) Merge(there, inner);
            else target[key] = value.DeepClone();
        }
    }

    private string Next() => (++_version).ToString(CultureInfo.InvariantCulture);

    private static JsonObject Copy(JsonObject node) => node.DeepClone().AsObject();

    private static string? Text(JsonObject body, string name) => body["metadata"]?[name]?.GetValue<string>();

    private static FakeAnswer NotFound(string resource, string name) =>
        FakeAnswer.Error(404, "NotFound", $"{resource} \"{name}\" not found", new JsonObject { ["name"] = name, ["kind"] = resource });

    private static FakeAnswer Conflict(string resource, string name, string why) =>
        FakeAnswer.Error(409, "Conflict", $"Operation cannot be fulfilled on {resource} \"{name}\": {why}",
            new JsonObject { ["name"] = name, ["kind"] = resource });

    private static FakeAnswer VersionMissing(string resource, string name) =>
        Unprocessable(resource, name, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update");

    private static FakeAnswer Unprocessable(string resource, string name, string field, string why) =>
        FakeAnswer.Error(422, "Invalid", $"{resource} \"{name}\" is invalid: {field}: {why}", new JsonObject
        {
            ["name"] = name,
            ["kind"] = resource,
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "FieldValueInvalid", ["message"] = why, ["field"] = field }),
        });

    // coordination/validation: durations and transitions; metav1.MicroTime: six digits.
    private static FakeAnswer? Invalid(string resource, string name, JsonObject body)
    {
        if (resource.StartsWith("leases", StringComparison.Ordinal))
        {
            if (body["spec"]?["leaseDurationSeconds"] is { } seconds && seconds.GetValue<int>() <= 0)
                return Unprocessable(resource, name, "spec.leaseDurationSeconds", $"Invalid value: {seconds}: must be greater than 0");
            if (body["spec"]?["leaseTransitions"] is { } transitions && transitions.GetValue<int>() < 0)
                return Unprocessable(resource, name, "spec.leaseTransitions", "Invalid value: must be greater than or equal to 0");
            foreach (var time in (string[])["acquireTime", "renewTime"])
            {
                if (body["spec"]?[time] is { } text
                    && !DateTime.TryParseExact(text.GetValue<string>(), "yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal, out _))
                    return FakeAnswer.Error(
                        400, "BadRequest", $"Lease in version \"v1\" cannot be handled as a Lease: parsing time {text}");
            }
        }

        if (resource == FakeDnsEndpoints.Resource && FakeDnsEndpoints.Mistake(body) is var (field, why))
            return Unprocessable(resource, name, field, why);
        var size = body["metadata"]?["annotations"]?.AsObject().Sum(a => a.Key.Length + (a.Value?.GetValue<string>().Length ?? 0)) ?? 0;
        return size > 256 * 1024
            ? Unprocessable(resource, name, "metadata.annotations", "Too long: may not be more than 262144 bytes")
            : null;
    }
}
