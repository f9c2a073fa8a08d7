using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.FakeAws;

/// <summary>
/// Those who give out sessions, on a real socket: STS (AssumeRoleWithWebIdentity), the agent of EKS Pod Identity or ECS (<c>/container</c>)
/// and instance metadata (version 2). Formats as in their references; each call gives another session, unless it is kept.
/// </summary>
public sealed class FakeCredentialsServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly WebApplication _app;
    private (string Id, string Secret, string Token)? _kept;

    private FakeCredentialsServer(FakeKeys keys)
    {
        Keys = keys;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        SignalsAreNotOurs.Register(builder.Services);
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(HandleAsync);
    }

    public Uri Endpoint => new(_app.Urls.Single());

    /// <summary>Where sessions are made.</summary>
    public FakeKeys Keys { get; }

    /// <summary>How long a session lasts; STS has 900 s at least.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The token that is asked for: of the web identity, or of the pod. Another one is refused.</summary>
    public string Token { get; set; } = "first";

    /// <summary>True: the same session is given again, as instance metadata does until its end is near, whatever became of it.</summary>
    public bool KeepsSession { get; set; }

    /// <summary>Calls that gave or refused a session: <c>sts</c>, <c>container</c>, <c>imds</c>.</summary>
    public int Calls(string kind) => _calls.Count(call => call == kind);

    public static async Task<FakeCredentialsServer> StartAsync(FakeKeys keys)
    {
        var server = new FakeCredentialsServer(keys);
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private Task HandleAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("POST", "/") => StsAsync(context),
        ("GET", "/container") => ContainerAsync(context),
        ("PUT", "/latest/api/token") => context.Response.WriteAsync("metadata"),
        ("GET", "/latest/meta-data/iam/security-credentials" or "/latest/meta-data/iam/security-credentials/") =>
            context.Response.WriteAsync("role"),
        ("GET", "/latest/meta-data/iam/security-credentials/role") => MetadataAsync(context),
        _ => RefuseAsync(context, 404, context.Request.Path.Value!),
    };

    private async Task StsAsync(HttpContext context)
    {
        _calls.Enqueue("sts");
        var form = await context.Request.ReadFormAsync();
        if (form["Action"] != "AssumeRoleWithWebIdentity" || form["WebIdentityToken"] != Token)
        {
            await RefuseAsync(context, 400, "<ErrorResponse "
                + "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                + "<Message>Token expired</Message></Error><RequestId>r</RequestId></ErrorResponse>");
            return;
        }

        var (id, secret, token) = Keys.MakeSession();
        await context.Response.WriteAsync(
            "<AssumeRoleWithWebIdentityResponse "
            + "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials>"
            + $"<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>"
                + $"<Expiration>{Expiration}</Expiration></Credentials>"
            + "<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>"
                + "</AssumeRoleWithWebIdentityResult>"
            + "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>");
    }

    private async Task ContainerAsync(HttpContext context)
    {
        _calls.Enqueue("container");
        if (context.Request.Headers.Authorization != Token) await RefuseAsync(context, 401, "{\"Code\":\"AccessDenied\"}");
        else await SessionAsync(context, "");
    }

    private async Task MetadataAsync(HttpContext context)
    {
        _calls.Enqueue("imds");
        if (context.Request.Headers["x-aws-ec2-metadata-token"] != "metadata") await RefuseAsync(context, 401, "");
        else await SessionAsync(context, "\"Code\":\"Success\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\",");
    }

    private Task SessionAsync(HttpContext context, string more)
    {
        var session = KeepsSession && _kept is { } kept ? kept : Keys.MakeSession();
        _kept = session;
        var (id, secret, token) = session;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(
            $"{{{more}\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\",\"Token\":\"{token}\",\"Expiration\":\"{Expiration}\"}}");
    }

    private string Expiration =>
        TimeProvider.System.GetUtcNow().Add(Lifetime).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static Task RefuseAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    }
}
