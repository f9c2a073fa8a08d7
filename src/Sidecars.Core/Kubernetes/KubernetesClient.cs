using System.Net.Http.Headers;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Kubernetes;

/// <summary>
/// The few calls to the API server that the sidecars make, in one namespace. Every outcome is a value; the only exception
/// is <see cref="OperationCanceledException"/> when the caller's own token is cancelled. Nothing is retried here except
/// once after 401 with a renewed token, and once with a renewed CA. Where the server asked to wait (<c>Retry-After</c>), no call of this
/// client is sent before that: its loops share one budget at the server, and none knows of another's refusal. Safe for concurrent use.
/// </summary>
public sealed class KubernetesClient : IDisposable
{
    private readonly KubernetesConfig _config;
    private readonly TimeProvider _time;
    private readonly ServiceAccountToken _token;
    private readonly KubernetesTransport _transport;
    private readonly Lock _gate = new();
    private long _askedAt;
    private TimeSpan _asked;

    /// <summary>Creates a client; no connection is made and no file is read before the first call.</summary>
    /// <param name="config">Where the server is.</param>
    /// <param name="time">The clock of deadlines and waits.</param>
    /// <param name="handler">Makes what sends the requests, in place of sockets; for tests.</param>
    public KubernetesClient(KubernetesConfig config, TimeProvider time, Func<HttpMessageHandler>? handler = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(time);
        _config = config;
        _time = time;
        _token = new ServiceAccountToken(config.TokenFile, config.TokenRefresh, time);
        _transport = new KubernetesTransport(config, handler);
    }

    /// <summary>The namespace of every call.</summary>
    public string Namespace => _config.Namespace;

    /// <summary>Reads a Lease.</summary>
    public Task<KubernetesRead<LeaseDocument>> GetLeaseAsync(string name, CancellationToken ct) =>
        GetAsync("apis/coordination.k8s.io/v1", "leases", name, KubernetesJson.ReadLease, ct);

    /// <summary>
    /// Writes a Lease. A document as it was read (uid and resourceVersion) is a compare-and-swap; one without either
    /// creates, and is a conflict where the Lease exists. Nothing between is sent: a PUT with a resourceVersion but no uid
    /// would bring a deleted Lease back with its old content.
    /// </summary>
    public Task<KubernetesWrite<LeaseDocument>> PutLeaseAsync(LeaseDocument lease, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(lease);
        var name = lease.Metadata?.Name ?? "";
        return (lease.Metadata?.ResourceVersion is null) == (lease.Metadata?.Uid is null)
            ? WriteAsync(HttpMethod.Put, "apis/coordination.k8s.io/v1", "leases", name, name, KubernetesJson.Write(lease),
                KubernetesJson.ReadLease, ct)
            : RefuseAsync<LeaseDocument>("a Lease is written with uid and resourceVersion, or created with neither");
    }

    /// <summary>Reads a Pod.</summary>
    public Task<KubernetesRead<PodDocument>> GetPodAsync(string name, CancellationToken ct) =>
        GetAsync("api/v1", "pods", name, KubernetesJson.ReadPod, ct);

    /// <summary>
    /// Reads an object of a kind that one sidecar alone knows; <see cref="KubernetesFailure.NotFound"/> also where the cluster does not
    /// know the kind.
    /// </summary>
    internal Task<KubernetesRead<T>> GetAsync<T>(KubernetesKind<T> kind, string name, CancellationToken ct)
        where T : KubernetesDocument => GetAsync(kind.Group, kind.Resource, name, kind.Read, ct);

    /// <summary>
    /// Replaces an object that was read, by compare-and-swap. Without a resourceVersion the server would overwrite unconditionally (unlike
    /// a Lease), so such a document is not sent.
    /// </summary>
    internal Task<KubernetesWrite<T>> ReplaceAsync<T>(KubernetesKind<T> kind, T document, CancellationToken ct)
        where T : KubernetesDocument
    {
        var name = document.Metadata?.Name ?? "";
        return document.Metadata is { ResourceVersion: not null, Uid: not null }
            ? WriteAsync(HttpMethod.Put, kind.Group, kind.Resource, name, name, kind.Write(document), kind.Read, ct)
            : RefuseAsync<T>("an object is replaced with uid and resourceVersion only");
    }

    /// <summary>Creates an object by POST; an existing one is a conflict.</summary>
    internal Task<KubernetesWrite<T>> CreateAsync<T>(KubernetesKind<T> kind, T document, CancellationToken ct)
        where T : KubernetesDocument =>
        document.Metadata is { ResourceVersion: null, Uid: null, Name: not null and var name }
            ? WriteAsync(HttpMethod.Post, kind.Group, kind.Resource, null, name, kind.Write(document), kind.Read, ct)
            : RefuseAsync<T>("an object to create has a name, and neither uid nor resourceVersion");

    /// <summary>
    /// Changes a Pod by a JSON merge patch. Through the subresource <c>status</c>: of a Pod it stores the labels and ignores the spec, so
    /// that the right which this needs changes no image.
    /// </summary>
    internal Task<KubernetesWrite<PodDocument>> PatchPodAsync(string name, byte[] patch, CancellationToken ct) =>
        WriteAsync(HttpMethod.Patch, "api/v1", "pods", name + "/status", name, patch, KubernetesJson.ReadPod, ct);

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private async Task<KubernetesRead<T>> GetAsync<T>(
        string group, string resource, string name, Func<JsonMembers, T> read, CancellationToken ct)
        where T : KubernetesDocument
    {
        if (!KubernetesName.IsSubdomain(name)) return new KubernetesRead<T>.Failed(NotAName(name));
        var answer = await CallAsync(HttpMethod.Get, group, resource, name, null, ct);
        if (answer.Failure is not null) return new KubernetesRead<T>.Failed(answer.Failure);
        var document = TryParse(answer.Body, name, read, out var problem);
        return document is null
            ? new KubernetesRead<T>.Failed(new KubernetesFailure.Malformed(problem!))
            : new KubernetesRead<T>.Found(document);
    }

    private async Task<KubernetesWrite<T>> WriteAsync<T>(
        HttpMethod method, string group, string resource, string? pathName, string name, byte[] body, Func<JsonMembers, T> read,
        CancellationToken ct)
        where T : KubernetesDocument
    {
        if (!KubernetesName.IsSubdomain(name)) return new KubernetesWrite<T>.NotWritten(NotAName(name));
        var answer = await CallAsync(method, group, resource, pathName, body, ct);
        if (answer.Failure is not null)
            return answer.PerhapsDone
                ? new KubernetesWrite<T>.OutcomeUnknown(answer.Failure)
                : new KubernetesWrite<T>.NotWritten(answer.Failure);
        var written = TryParse(answer.Body, name, read, out var problem);
        return written is null
            ? new KubernetesWrite<T>.OutcomeUnknown(new KubernetesFailure.Malformed(problem!))
            : new KubernetesWrite<T>.Written(written, answer.Status == 201);
    }

    private async Task<KubernetesAnswer> CallAsync(
        HttpMethod method, string group, string resource, string? name, byte[]? body, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(_config.CallDeadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        var path = $"{group}/namespaces/{_config.Namespace}/{resource}{(name is null ? "" : "/" + name)}";
        var renewedToken = false;
        var renewedCa = false;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            if (AskedToWait() is { } left) return new KubernetesAnswer(0, default, left, false);
            if (_transport.Client(out var problem) is not { } client)
                return new KubernetesAnswer(0, default, new KubernetesFailure.Unreachable(problem!), false);
            if (_token.Current(out problem) is not { } token)
                return new KubernetesAnswer(0, default, new KubernetesFailure.Unauthorized(problem!), false);
            using var request = Request(method, path, body, token);
            var answer = await KubernetesExchange.SendAsync(client, request, _config.MaxResponseBytes, _time, either.Token, ct);
            if (answer.Failure?.AskedToWait is { } asked) NoteAsked(asked);
            if (answer.Status == 401 && !renewedToken && _token.TryRenew(token)) renewedToken = true;
            else if (answer.Status == KubernetesExchange.SecureConnectionFailed && !renewedCa && _transport.TryRenew()) renewedCa = true;
            else return answer;
        }
    }

    // Never shortened: of two refusals under way at once the longer one counts.
    private void NoteAsked(TimeSpan asked)
    {
        lock (_gate)
        {
            if (_asked - _time.GetElapsedTime(_askedAt) < asked) (_askedAt, _asked) = (_time.GetTimestamp(), asked);
        }
    }

    private KubernetesFailure.Throttled? AskedToWait()
    {
        lock (_gate)
        {
            var left = _asked - _time.GetElapsedTime(_askedAt);
            return left > TimeSpan.Zero
                ? new KubernetesFailure.Throttled(
                    $"not sent: the API server asked to wait {DurationText.About(_asked)}, {DurationText.About(left)} of that are left",
                    left)
                : null;
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, byte[]? body, string token)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.TryAddWithoutValidation("User-Agent", _config.UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (body is null) return request;
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType =
            new MediaTypeHeaderValue(method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
        return request;
    }

    private static T? TryParse<T>(ReadOnlyMemory<byte> body, string name, Func<JsonMembers, T> read, out string? problem)
        where T : KubernetesDocument
    {
        problem = null;
        try
        {
            var document = read(JsonMembers.Parse(body));
            // Without these two, what we write back could never be a compare-and-swap.
            if (document.Metadata is { Uid.Length: > 0, ResourceVersion.Length: > 0 } metadata && metadata.Name == name) return document;
            problem = $"the answer is not an object of the name {name} with uid and resourceVersion";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            problem = KubernetesFailure.Clip($"the answer is not such an object: {e.Message}");
        }

        return null;
    }

    private static KubernetesFailure.Rejected NotAName(string name) =>
        new(0, KubernetesFailure.Clip($"not sent: '{name}' is not an object name"));

    private static Task<KubernetesWrite<T>> RefuseAsync<T>(string why) =>
        Task.FromResult<KubernetesWrite<T>>(new KubernetesWrite<T>.NotWritten(new KubernetesFailure.Rejected(0, "not sent: " + why)));
}
