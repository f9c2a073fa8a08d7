using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using Sidecars.Aws;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Route53;

/// <summary>
/// Three calls of the Route 53 API, signed by the SDK's own handler. No retries here: each has its loop, with the jitter, and one
/// account has five calls a second for all its tenants.
/// </summary>
public sealed class Route53Client : IDisposable
{
    private const int PageSize = 100;
    private readonly Route53Settings _settings;
    private readonly RotatingCredentials _credentials;
    private readonly HttpClient _http;

    /// <param name="settings">Where.</param>
    /// <param name="credentials">The process' own: they outlive this.</param>
    public Route53Client(Route53Settings settings, RotatingCredentials credentials)
    {
        (_settings, _credentials) = (settings, credentials);
        // The service is global and signs for us-east-1: https://docs.aws.amazon.com/general/latest/gr/r53.html.
        var connections = new SocketsHttpHandler
        { ConnectTimeout = settings.ConnectTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false };
        _http = new HttpClient(new SigV4SigningHandler(credentials, RegionEndpoint.USEast1, "route53", connections))
        {
            Timeout = settings.CallDeadline,
            MaxResponseContentBufferSize = 4 << 20,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("sidecars");
    }

    /// <summary>Lists a page of record sets, from this one on.</summary>
    public Task<TargetResult<Route53Page>> ListAsync(string name, string? type, string? identifier, CancellationToken cancellation)
    {
        var query = FormattableString.Invariant($"rrset?maxitems={PageSize}&name={Uri.EscapeDataString(name)}");
        if (type is not null) query += "&type=" + Uri.EscapeDataString(type);
        if (identifier is not null) query += "&identifier=" + Uri.EscapeDataString(identifier);
        return CallAsync<Route53Page>(HttpMethod.Get, Zone + "/" + query, null, Route53Document.TryReadPage, cancellation);
    }

    /// <summary>Applies a batch, all or nothing.</summary>
    public Task<TargetResult<Route53Change>> ChangeAsync(DnsChange change, CancellationToken cancellation) =>
        CallAsync<Route53Change>(
            HttpMethod.Post, Zone + "/rrset", Route53Document.WriteChange(change), Route53Document.TryReadChange, cancellation);

    /// <summary>How far a change got.</summary>
    public Task<TargetResult<Route53Change>> GetChangeAsync(string id, CancellationToken cancellation) =>
        CallAsync<Route53Change>(
            HttpMethod.Get, "2013-04-01/change/" + Uri.EscapeDataString(id), null, Route53Document.TryReadChange, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private string Zone => "2013-04-01/hostedzone/" + Uri.EscapeDataString(_settings.HostedZoneId);

    private delegate bool TryRead<T>(ReadOnlyMemory<byte> body, out T? value);

    private async Task<TargetResult<T>> CallAsync<T>(
        HttpMethod method, string path, byte[]? body, TryRead<T> read, CancellationToken cancellation)
        where T : class
    {
        for (var isAgain = false; ; isAgain = true)
        {
            var (result, generation, refusal) = await SendAsync(method, path, body, read, cancellation);
            if (refusal == CredentialsRefusal.None) return result;
            // Nothing was carried out: once more, where other credentials have been found by now.
            if (!await _credentials.RefusedAsync(generation, refusal, cancellation) || isAgain) return result;
        }
    }

    private async Task<(TargetResult<T> Result, int Generation, CredentialsRefusal Refusal)> SendAsync<T>(
        HttpMethod method, string path, byte[]? body, TryRead<T> read, CancellationToken cancellation)
        where T : class
    {
        try
        {
            // Here, where it can be given up: the signing handler waits for them whatever the deadline.
            _ = await _credentials.GetCredentialsAsync().WaitAsync(_settings.CallDeadline, cancellation);
            var generation = _credentials.Generation;
            using var request = new HttpRequestMessage(method, new Uri(_settings.Endpoint, path)) { Version = HttpVersion.Version11 };
            if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = new("text/xml") } };
            using var response = await _http.SendAsync(request, cancellation);
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellation);
            if (response.IsSuccessStatusCode)
            {
                _credentials.Accepted(generation);
                return NotRefused<T>(read(bytes, out var value) && value is not null
                    ? new TargetResult<T>.Done(value)
                    : Failed<T>(TargetFailureKind.Unavailable, "the reply is not understood"));
            }

            var error = Route53Document.ReadError(bytes);
            var failure = new TargetFailure(
                Classify(response.StatusCode, error), $"{(int)response.StatusCode} {error.Code}: {error.Message}",
                RetryAfter.Read(response.Headers.RetryAfter, response.Headers.Date));
            return (new TargetResult<T>.Failed(failure), generation, CredentialsPolicy.Classify(response.StatusCode, error.Code));
        }
        catch (TimeoutException)
        {
            return NotRefused(Failed<T>(TargetFailureKind.Unavailable,
                $"no credentials within {DurationText.Of(_settings.CallDeadline)}"));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return NotRefused(Failed<T>(
                TargetFailureKind.Unavailable, $"no reply within {DurationText.Of(_settings.CallDeadline)}"));
        }
        catch (HttpRequestException exception)
        {
            return NotRefused(Failed<T>(TargetFailureKind.Unavailable, exception.Message));
        }
        catch (AmazonClientException exception)
        {
            return NotRefused(Failed<T>(TargetFailureKind.Denied, "no credentials: " + exception.Message));
        }
    }

    private static (TargetResult<T> Result, int Generation, CredentialsRefusal Refusal) NotRefused<T>(TargetResult<T> result) =>
        (result, 0, CredentialsRefusal.None);

    private static TargetResult<T>.Failed Failed<T>(TargetFailureKind kind, string message) => new(new TargetFailure(kind, message));

    // https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html; Throttling comes with 400.
    private static TargetFailureKind Classify(HttpStatusCode status, Route53Error error) => error.Code switch
    {
        "InvalidChangeBatch" => IsRace(error.Message) ? TargetFailureKind.Conflict : TargetFailureKind.Misconfigured,
        "Throttling" or "ThrottlingException" or "PriorRequestNotComplete" or "RequestLimitExceeded" => TargetFailureKind.Throttled,
        "NoSuchHostedZone" or "NoSuchChange" or "InvalidInput" or "InvalidDomainName" or "ValidationError" =>
            TargetFailureKind.Misconfigured,
        _ when status is HttpStatusCode.TooManyRequests => TargetFailureKind.Throttled,
        _ when status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => TargetFailureKind.Denied,
        _ => TargetFailureKind.Unavailable,
    };

    // The one code stands for lost races and for what will never be accepted (a name outside the zone, a protected record): the
    // messages tell them apart. Words that are new to us count as the latter, which alerts, and is tried again all the same.
    private static bool IsRace(string message) => message.Contains("not found", StringComparison.Ordinal)
        || message.Contains("do not match the current values", StringComparison.Ordinal)
        || message.Contains("already exists", StringComparison.Ordinal);
}
