using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using Sidecars.Aws;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Route53;

/// <summary>Outcome of a call.</summary>
/// <typeparam name="T">What a success brings.</typeparam>
public abstract record Route53Result<T>
{
    private Route53Result()
    {
    }

    /// <summary>Done.</summary>
    public sealed record Ok(T Value) : Route53Result<T>;

    /// <summary>Not, or not known to be done.</summary>
    public sealed record Failed(DnsFailure Failure, Route53Error Error) : Route53Result<T>;
}

/// <summary>
/// Four calls of the Route 53 API, signed by the SDK's own handler. No retries here: each has its loop, with the jitter, and one
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
        var connections = new SocketsHttpHandler { ConnectTimeout = settings.ConnectTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false };
        _http = new HttpClient(new SigV4SigningHandler(credentials, RegionEndpoint.USEast1, "route53", connections))
        {
            Timeout = settings.CallDeadline,
            MaxResponseContentBufferSize = 4 << 20,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("sidecars");
    }

    /// <summary>A page of record sets, from this one on.</summary>
    public Task<Route53Result<Route53Page>> ListAsync(string name, string? type, string? identifier, CancellationToken cancellation)
    {
        var query = FormattableString.Invariant($"rrset?maxitems={PageSize}&name={Uri.EscapeDataString(name)}");
        if (type is not null) query += "&type=" + Uri.EscapeDataString(type);
        if (identifier is not null) query += "&identifier=" + Uri.EscapeDataString(identifier);
        return CallAsync<Route53Page>(HttpMethod.Get, Zone + "/" + query, null, Route53Document.TryReadPage, cancellation);
    }

    /// <summary>Applies a batch, all or nothing.</summary>
    public Task<Route53Result<Route53Change>> ChangeAsync(DnsChange change, CancellationToken cancellation) =>
        CallAsync<Route53Change>(HttpMethod.Post, Zone + "/rrset", Route53Document.WriteChange(change), Route53Document.TryReadChange, cancellation);

    /// <summary>How far a change got.</summary>
    public Task<Route53Result<Route53Change>> GetChangeAsync(string id, CancellationToken cancellation) =>
        CallAsync<Route53Change>(HttpMethod.Get, "2013-04-01/change/" + Uri.EscapeDataString(id), null, Route53Document.TryReadChange, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private string Zone => "2013-04-01/hostedzone/" + Uri.EscapeDataString(_settings.HostedZoneId);

    private delegate bool TryRead<T>(ReadOnlyMemory<byte> body, out T? value);

    private async Task<Route53Result<T>> CallAsync<T>(HttpMethod method, string path, byte[]? body, TryRead<T> read, CancellationToken cancellation)
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

    private async Task<(Route53Result<T> Result, int Generation, CredentialsRefusal Refusal)> SendAsync<T>(
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
                    ? new Route53Result<T>.Ok(value)
                    : Failed<T>(DnsFailureKind.Unavailable, "the reply is not understood"));
            }

            var error = Route53Document.ReadError(bytes);
            var kind = Classify(response.StatusCode, error.Code);
            var failure = new DnsFailure(kind, $"{(int)response.StatusCode} {error.Code}: {error.Message}", RetryAfter(response));
            return (new Route53Result<T>.Failed(failure, error), generation, CredentialsPolicy.Classify(response.StatusCode, error.Code));
        }
        catch (TimeoutException)
        {
            return NotRefused(Failed<T>(DnsFailureKind.Unavailable, FormattableString.Invariant($"no credentials within {_settings.CallDeadline.TotalSeconds} s")));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return NotRefused(Failed<T>(DnsFailureKind.Unavailable, FormattableString.Invariant($"no reply within {_settings.CallDeadline.TotalSeconds} s")));
        }
        catch (HttpRequestException exception)
        {
            return NotRefused(Failed<T>(DnsFailureKind.Unavailable, exception.Message));
        }
        catch (AmazonClientException exception)
        {
            return NotRefused(Failed<T>(DnsFailureKind.Denied, "no credentials: " + exception.Message));
        }
    }

    private static (Route53Result<T> Result, int Generation, CredentialsRefusal Refusal) NotRefused<T>(Route53Result<T> result) => (result, 0, CredentialsRefusal.None);

    private static Route53Result<T>.Failed Failed<T>(DnsFailureKind kind, string message) => new(new DnsFailure(kind, message), new Route53Error("", message));

    // https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html; Throttling comes with 400.
    private static DnsFailureKind Classify(HttpStatusCode status, string code) => code switch
    {
        "Throttling" or "ThrottlingException" or "PriorRequestNotComplete" or "RequestLimitExceeded" => DnsFailureKind.Throttled,
        "NoSuchHostedZone" or "NoSuchChange" or "InvalidInput" or "InvalidDomainName" or "ValidationError" => DnsFailureKind.Misconfigured,
        _ when status is HttpStatusCode.TooManyRequests => DnsFailureKind.Throttled,
        _ when status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => DnsFailureKind.Denied,
        _ => DnsFailureKind.Unavailable,
    };

    private static TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter?.Delta is { } delta ? delta < TimeSpan.FromMinutes(1) ? delta : TimeSpan.FromMinutes(1) : null;
}
