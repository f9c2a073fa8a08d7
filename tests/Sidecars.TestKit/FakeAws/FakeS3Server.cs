using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecars.TestKit.FakeRoute53;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.FakeAws;

/// <summary>
/// As much of S3 as credentials need, on a real socket: objects are written and read, and each signature is checked, which moto does not
/// do. Path style, one request an object.
/// </summary>
public sealed class FakeS3Server : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _objects = new();
    private readonly ConcurrentQueue<string> _seen = new();
    private readonly WebApplication _app;

    private FakeS3Server(FakeKeys keys)
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

    /// <summary>Whose signatures are accepted.</summary>
    public FakeKeys Keys { get; }

    /// <summary>True: keys are right, and have no right to anything.</summary>
    public bool DeniesAll { get; set; }

    /// <summary>The codes of all answers; empty: accepted.</summary>
    public IReadOnlyList<string> Seen => [.. _seen];

    public static async Task<FakeS3Server> StartAsync(FakeKeys? keys = null)
    {
        var server = new FakeS3Server(keys ?? new FakeKeys());
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer);
        var refusal = FakeSignatures.Check(context.Request, buffer.ToArray(), Keys, "s3");
        if (refusal is null && DeniesAll) refusal = ("AccessDenied", "Access Denied");
        if (refusal is null && context.Request.Method == "GET" && !_objects.ContainsKey(context.Request.Path))
            refusal = ("NoSuchKey", "The specified key does not exist.");
        _seen.Enqueue(refusal?.Code ?? "");
        if (refusal is var (code, message))
        {
            // As S3 has it: an expired session is 400, whatever else is wrong with a key 403.
            context.Response.StatusCode = code switch { "ExpiredToken" => 400, "NoSuchKey" => 404, _ => 403 };
            context.Response.ContentType = "application/xml";
            await context.Response.WriteAsync("<?xml version=\"1.0\" "
                + $"encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>r</RequestId></Error>");
            return;
        }

        context.Response.Headers.ETag = "\"e\"";
        if (context.Request.Method == "PUT") _objects[context.Request.Path] = buffer.ToArray();
        else await context.Response.Body.WriteAsync(_objects[context.Request.Path]);
    }
}
