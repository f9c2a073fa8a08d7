using System.Net;
using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Kubernetes;

/// <summary>One answer with its body, or the failure that came instead.</summary>
/// <param name="Status">HTTP status; 0 where no answer came.</param>
/// <param name="Body">The body, bounded.</param>
/// <param name="Failure">Set where <paramref name="Status"/> is no 2xx, or the body did not arrive whole.</param>
/// <param name="PerhapsDone">With a failure: true where the server may have acted on the request.</param>
internal readonly record struct KubernetesAnswer(int Status, ReadOnlyMemory<byte> Body, KubernetesFailure? Failure, bool PerhapsDone);

/// <summary>Sends one request and turns everything that can go wrong into a <see cref="KubernetesFailure"/>.</summary>
internal static class KubernetesExchange
{
    /// <summary>Sends; throws only if <paramref name="caller"/> was cancelled.</summary>
    /// <param name="client">The pool.</param>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">Bound of the body.</param>
    /// <param name="time">Tells how far off a date in <c>Retry-After</c> is, where the answer has no <c>Date</c>.</param>
    /// <param name="deadline">Cancelled at the call's deadline, or with <paramref name="caller"/>.</param>
    /// <param name="caller">The caller's own token.</param>
    public static async Task<KubernetesAnswer> SendAsync(
        HttpClient client, HttpRequestMessage request, int maxBytes, TimeProvider time, CancellationToken deadline,
        CancellationToken caller)
    {
        var stage = "connecting or waiting for the answer";
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline);
            stage = "reading the body";
            var status = (int)response.StatusCode;
            var body = await ReadBodyAsync(response.Content, maxBytes, deadline);
            if (body is null)
                return Failed(status, new KubernetesFailure.Malformed($"the body is longer than {maxBytes} bytes"),
                    status is >= 200 and < 300 or >= 500);
            if (status is >= 200 and < 300) return new KubernetesAnswer(status, body.Value, null, false);
            // A refusal with a 4xx says that nothing was done; a 5xx says nothing (a time-out at etcd may have committed).
            return Failed(status, OfStatus(response, body.Value, time), status >= 500);
        }
        catch (OperationCanceledException) when (!caller.IsCancellationRequested)
        {
            return Failed(0, new KubernetesFailure.TimedOut($"no answer in time while {stage}"), true);
        }
        catch (HttpRequestException e)
        {
            // These three come before the first byte of the request; anything else may come after it.
            var sent = e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError);
            KubernetesFailure failure =
                e.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded
                    ? new KubernetesFailure.Malformed(KubernetesFailure.Clip($"no HTTP answer: {e.Message}"))
                    : new KubernetesFailure.Unreachable(KubernetesFailure.Clip($"{e.HttpRequestError}: {(e.InnerException ?? e).Message}"));
            return new KubernetesAnswer(
                e.HttpRequestError is HttpRequestError.SecureConnectionError ? SecureConnectionFailed : 0, default, failure, sent);
        }
        catch (IOException e)
        {
            return Failed(0, new KubernetesFailure.Unreachable(KubernetesFailure.Clip($"cut off while {stage}: {e.Message}")), true);
        }
    }

    /// <summary>Pseudo status of an answer that never came because the server's certificate was refused.</summary>
    public const int SecureConnectionFailed = -1;

    private static KubernetesAnswer Failed(int status, KubernetesFailure failure, bool perhapsDone) =>
        new(status, default, failure, perhapsDone);

    // Grows with what arrives, never with what Content-Length claims.
    private static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpContent content, int maxBytes, CancellationToken deadline)
    {
        await using var stream = await content.ReadAsStreamAsync(deadline);
        var buffer = new byte[Math.Min(8192, maxBytes + 1)];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), deadline);
            if (read == 0) return buffer.AsMemory(0, length);
            length += read;
            if (length > maxBytes) return null;
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(buffer.Length * 2, maxBytes + 1));
        }
    }

    private static KubernetesFailure OfStatus(HttpResponseMessage response, ReadOnlyMemory<byte> body, TimeProvider time)
    {
        var code = (int)response.StatusCode;
        var status = TryReadStatus(body);
        var message = KubernetesFailure.Clip(status?.Message ?? $"HTTP {code} without a Status object");
        var after = RetryAfter.Read(response.Headers.RetryAfter, response.Headers.Date ?? time.GetUtcNow())
            ?? RetryAfter.Bound(TimeSpan.FromSeconds(status?.Details?.RetryAfterSeconds ?? 0));
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => new KubernetesFailure.NotFound(message),
            HttpStatusCode.Conflict => new KubernetesFailure.Conflict(message),
            HttpStatusCode.UnprocessableEntity when NamesResourceVersion(status) => new KubernetesFailure.Conflict(message),
            HttpStatusCode.Forbidden => new KubernetesFailure.Forbidden(message),
            HttpStatusCode.Unauthorized => new KubernetesFailure.Unauthorized(message),
            HttpStatusCode.TooManyRequests => new KubernetesFailure.Throttled(message, after),
            _ when code >= 500 => new KubernetesFailure.ServerError(code, message, after),
            _ => new KubernetesFailure.Rejected(code, message),
        };
    }

    // "metadata.resourceVersion: Invalid value: 0: must be specified for an update": our create met an existing object.
    private static bool NamesResourceVersion(StatusDocument? status) =>
        status is { Reason: "Invalid", Details.Causes: { Count: 1 } causes } && causes[0]?.Field == "metadata.resourceVersion";

    private static StatusDocument? TryReadStatus(ReadOnlyMemory<byte> body)
    {
        try
        {
            return KubernetesJson.ReadStatus(JsonMembers.Parse(body)) is { Kind: "Status" } status ? status : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // a proxy's HTML page
        }
    }
}
