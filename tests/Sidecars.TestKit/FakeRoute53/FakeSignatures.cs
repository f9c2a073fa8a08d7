using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sidecars.TestKit.FakeAws;

namespace Sidecars.TestKit.FakeRoute53;

/// <summary>
/// Checks AWS Signature Version 4 as the service does, written from its description and sharing nothing with the SDK:
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
/// </summary>
internal static class FakeSignatures
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    // What a service calls a key that it does not know.
    private static string UnknownKey(string service) => service == "s3" ? "InvalidAccessKeyId" : "InvalidClientTokenId";

    private static string ExpiredSession(string service) => service == "s3" ? "ExpiredToken" : "ExpiredTokenException";

    /// <summary>Null, or the code and message of the refusal.</summary>
    public static (string Code, string Message)? Check(HttpRequest request, byte[] body, FakeKeys keys, string service)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.Length == 0) return ("MissingAuthenticationToken", "Missing Authentication Token");
        var fields = header[(header.IndexOf(' ', StringComparison.Ordinal) + 1)..].Split(',', StringSplitOptions.TrimEntries)
            .Select(field => field.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var scope = fields["Credential"].Split('/');
        if (!header.StartsWith(Algorithm + " ", StringComparison.Ordinal)
            || scope is not [_, { Length: 8 } day, "us-east-1", var scoped, "aws4_request"] || scoped != service)
            return ("SignatureDoesNotMatch", $"Credential should be scoped to us-east-1/{service}/aws4_request: {fields["Credential"]}");
        if (keys.Find(scope[0]) is not { } key) return (UnknownKey(service), "The security token included in the request is invalid");
        if (key.IsExpired) return (ExpiredSession(service), "The security token included in the request is expired");
        if (request.Headers["x-amz-security-token"].ToString() != key.Token)
            return (UnknownKey(service), "The security token included in the request is invalid");

        var signedHeaders = fields["SignedHeaders"].Split(';');
        if (!signedHeaders.Contains("host") || !signedHeaders.Contains("x-amz-date"))
            return ("SignatureDoesNotMatch", "'Host' and 'X-Amz-Date' must be signed");
        var date = request.Headers["x-amz-date"].ToString();
        if (!date.StartsWith(day, StringComparison.Ordinal))
            return ("SignatureDoesNotMatch", "Date in Credential scope does not match X-Amz-Date");
        var moment = DateTime.ParseExact(
            date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        if ((DateTime.UtcNow - moment).Duration() > TimeSpan.FromMinutes(15)) return ("RequestExpired", "Request has expired");

        var target = request.HttpContext.Features.Get<IHttpRequestFeature>()!.RawTarget.Split('?', 2);
        var query = target.Length == 1 ? "" : string.Join('&', target[1].Split('&')
            .Select(part => part.Contains('=', StringComparison.Ordinal) ? part : part + "=").Order(StringComparer.Ordinal));
        // Every service but S3 encodes the path once more.
        var path = service == "s3" ? target[0] : string.Join('/', target[0].Split('/').Select(Uri.EscapeDataString));
        var hash = request.Headers["x-amz-content-sha256"].ToString();
        if (hash.Length == 0) hash = Hex(SHA256.HashData(body));
        var headers = string.Concat(signedHeaders.Select(name =>
            $"{name}:{string.Join(',', request.Headers[name].Select(value => string.Join(' ', value!.Split(' ', StringSplitOptions.RemoveEmptyEntries))))}\n"));
        var canonical = $"{request.Method}\n{path}\n{query}\n{headers}\n{fields["SignedHeaders"]}\n{hash}";
        var toSign = $"{Algorithm}\n{date}\n{string.Join('/', scope[1..])}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signing = scope[1..].Aggregate(
            Encoding.UTF8.GetBytes("AWS4" + key.Secret), (current, part) => HMACSHA256.HashData(current, Encoding.UTF8.GetBytes(part)));
        return Hex(HMACSHA256.HashData(signing, Encoding.UTF8.GetBytes(toSign))) == fields["Signature"]
            ? null
            : ("SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Canonical request: " + canonical);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
