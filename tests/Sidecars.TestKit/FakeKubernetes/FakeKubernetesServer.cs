using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.FakeKubernetes;

/// <summary>What the server saw of a request.</summary>
/// <param name="Method">GET, PUT, …</param>
/// <param name="Path">Without the query.</param>
/// <param name="Token">Bearer token, or null.</param>
/// <param name="UserAgent">As sent.</param>
/// <param name="At">When it arrived, to compare with another process' log.</param>
public sealed record SeenRequest(string Method, string Path, string? Token, string? UserAgent, DateTimeOffset At);

/// <summary>A second address, whose socket somebody else makes: in another network namespace.</summary>
/// <param name="Address">With its port, not 0.</param>
/// <param name="Bind">Gives a socket bound to it.</param>
public sealed record ListenElsewhere(IPEndPoint Address, Func<IPEndPoint, System.Net.Sockets.Socket> Bind);

/// <summary>
/// An API server on a real TLS socket of the loopback address: its own CA, bearer tokens, RBAC by resource names, the
/// registry's rules (<see cref="FakeObjects"/>), and one scripted fault for each of the next requests. Also writes the
/// files that kubelet projects into a pod.
/// </summary>
public sealed class FakeKubernetesServer : IAsyncDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly ConcurrentQueue<Fault?> _script = new();
    private readonly ConcurrentQueue<SeenRequest> _seen = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("fake-kube-").FullName;
    private readonly WebApplication _app;
    private X509Certificate2 _certificate;

    private FakeKubernetesServer(IPAddress address, ListenElsewhere? pods)
    {
        _certificate = _authority.Issue(also: pods?.Address.Address);
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), _authority.Pem);
        RotateToken("token-1");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        SignalsAreNotOurs.Register(builder.Services);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.Listen(address, 0, Secured);
            if (pods is not null) o.Listen(pods.Address, Secured);
        });
        if (pods is not null)
            builder.WebHost.UseSockets(o => o.CreateBoundListenSocket =
                at => at.Equals(pods.Address) ? pods.Bind(pods.Address) : SocketTransportOptions.CreateDefaultBoundListenSocket(at));
        _app = builder.Build();
        _app.Run(HandleAsync);
    }

    private void Secured(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => _certificate);
    }

    public const string Namespace = "tenant-a";

    /// <summary>What goes wrong with every request for which no fault is scripted; null: nothing. <see cref="Next"/> goes before.</summary>
    public Func<Fault?>? Weather { get; set; }

    /// <summary>Where pods reach it: the loopback address, unless it also listens elsewhere.</summary>
    public IPEndPoint PodView { get; private set; } = null!;

    public FakeObjects Objects { get; } = new();

    /// <summary>What one may not do, by (verb, resource, name): true forbids.</summary>
    public Func<string, string, string, bool> Forbids { get; set; } = (_, _, _) => false;

    /// <summary>The tokens that are accepted.</summary>
    public ConcurrentDictionary<string, bool> AcceptedTokens { get; } = new();

    public IReadOnlyList<SeenRequest> Seen => [.. _seen];

    public int Port { get; private set; }

    /// <summary>The configuration of a pod of this cluster; no test is about how fast a busy machine shakes hands.</summary>
    public KubernetesConfig Config => KubernetesConfig.InCluster(_host, Port, Namespace, _folder) with
    { UserAgent = "sidecars-tests", ConnectTimeout = TimeSpan.FromMinutes(1) };

    private string _host = "127.0.0.1";

    public static async Task<FakeKubernetesServer> StartAsync(bool ipv6 = false, ListenElsewhere? pods = null)
    {
        var loopback = ipv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        var server = new FakeKubernetesServer(loopback, pods);
        server._host = loopback.ToString();
        await server._app.StartAsync();
        server.Port = server._app.Urls.Select(url => new Uri(url)).Single(url => url.IsLoopback).Port;
        server.PodView = pods?.Address ?? new IPEndPoint(loopback, server.Port);
        return server;
    }

    /// <summary>The next request goes wrong in this way; further calls line up behind. Null: that one goes well.</summary>
    public void Next(Fault? fault) => _script.Enqueue(fault);

    /// <summary>A pod of this name and UID is there from now on, in place of one with another UID.</summary>
    public void RunPod(string name, string uid)
    {
        if (Objects.Get("pods", Namespace, name).Object["metadata"]?["uid"]?.GetValue<string>() == uid) return;
        Objects.Seed(
            "pods", Namespace, new JsonObject { ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = name, ["uid"] = uid } });
    }

    /// <summary>The pod's object is gone: deleted, or its node was forgotten.</summary>
    public void ForgetPod(string name) => Objects.Delete("pods", Namespace, name);

    /// <summary>Projects a new token; the old one is refused from now on unless <paramref name="keepOld"/>.</summary>
    public void RotateToken(string token, bool keepOld = false, bool project = true)
    {
        if (!keepOld) AcceptedTokens.Clear();
        AcceptedTokens[token] = true;
        if (project) File.WriteAllText(Path.Combine(_folder, "token"), token + "\n");
    }

    /// <summary>Writes the projected token file without telling the server.</summary>
    public void WriteTokenFile(string text) => File.WriteAllText(Path.Combine(_folder, "token"), text);

    /// <summary>
    /// From the next connection on, shows a certificate of another authority; returns its PEM for <see cref="WriteCaFile"/>.
    /// </summary>
    public string UseAnotherAuthority(string? dnsName = null)
    {
        using var other = new TestAuthority("other-ca");
        _certificate = other.Issue(dnsName);
        return other.Pem;
    }

    /// <summary>From the next connection on, shows a certificate of the right authority for another name.</summary>
    public void UseAnotherName(string dnsName) => _certificate = _authority.Issue(dnsName);

    /// <summary>Writes the projected CA bundle.</summary>
    public void WriteCaFile(string pem) => File.WriteAllText(Path.Combine(_folder, "ca.crt"), pem);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        var authorization = request.Headers.Authorization.ToString();
        var token = authorization.StartsWith("Bearer ", StringComparison.Ordinal) ? authorization[7..] : null;
        _seen.Enqueue(new SeenRequest(request.Method, request.Path, token, request.Headers.UserAgent, TimeProvider.System.GetUtcNow()));
        if (!_script.TryDequeue(out var fault)) fault = Weather?.Invoke();
        JsonObject? body = null;
        if (request.Method is "PUT" or "POST" or "PATCH") body = (await JsonNode.ParseAsync(request.Body))!.AsObject();
        var answer = fault is { AfterActing: false } ? null : Act(request, token, body);
        switch (fault)
        {
            case null:
                await SendAsync(context, answer!);
                break;
            case Fault.Error error:
                if (error.RetryAfterSeconds is { } after)
                    context.Response.Headers.RetryAfter = after.ToString(System.Globalization.CultureInfo.InvariantCulture);
                await SendAsync(context, FakeAnswer.Error(error.Code, error.Reason, "scripted " + error.Reason));
                break;
            case Fault.Late late:
                await Task.Delay(
                    late.By, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await SendAsync(context, answer ?? Act(request, token, body));
                break;
            case Fault.Slow slow:
                try
                {
                    await slow.Release.WaitAsync(context.RequestAborted);
                }
                catch (OperationCanceledException)
                {
                    // The client has gone.
                }

                break;
            case Fault.CutMidBody:
                context.Response.ContentType = "application/json";
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("{\"kind\":\"Lease\",");
                await context.Response.Body.FlushAsync();
                context.Abort();
                break;
            case Fault.Reset:
                context.Abort();
                break;
            case Fault.Body scripted:
                context.Response.ContentType = "application/json";
                await context.Response.Body.WriteAsync(scripted.Bytes);
                break;
            default:
                throw new InvalidOperationException($"unknown fault {fault}");
        }
    }

    private FakeAnswer Act(HttpRequest request, string? token, JsonObject? body)
    {
        if (token is null || !AcceptedTokens.ContainsKey(token)) return FakeAnswer.Error(401, "Unauthorized", "Unauthorized");
        var parts = request.Path.Value!.Trim('/').Split('/');
        var at = Array.IndexOf(parts, "namespaces");
        if (at < 1 || parts.Length < at + 3) return FakeAnswer.Error(404, "NotFound", "the server could not find the requested resource");
        var (ns, kind, name) = (parts[at + 1], parts[at + 2], parts.Length > at + 3 ? parts[at + 3] : "");
        var group = at == 2 && parts[0] == "api" ? "" : "." + parts[1];
        // A subresource has rights of its own.
        if (parts.Length > at + 4) kind += "/" + parts[at + 4];
        var verb = request.Method switch { "GET" => "get", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "create" };
        if (ns != Namespace || IsForbidden(verb, kind, name, ns))
            return FakeAnswer.Error(403, "Forbidden",
                $"{kind}{group} \"{name}\" is forbidden: User \"system:serviceaccount:{Namespace}:redis\" cannot {verb} resource "
                + $"\"{kind}\" in namespace \"{ns}\"");
        var resource = kind + group;
        return request.Method switch
        {
            "GET" => Objects.Get(resource, ns, name),
            "PUT" => Objects.Put(resource, ns, name, body!),
            "POST" => Objects.Post(resource, ns, body!),
            "PATCH" when kind == "pods/status" => request.ContentType == "application/merge-patch+json"
                ? Objects.PatchPodStatus(ns, name, body!)
                : FakeAnswer.Error(415, "UnsupportedMediaType", "the body of the request was in an unknown format"),
            "DELETE" => Deleted(resource, ns, name),
            _ => FakeAnswer.Error(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
        };
    }

    private FakeAnswer Deleted(string resource, string ns, string name)
    {
        var found = Objects.Get(resource, ns, name);
        if (found.Code == 200) Objects.Delete(resource, ns, name);
        return found;
    }

    // A PUT to an absent object needs "create" by that name as well; a POST has no name for RBAC.
    private bool IsForbidden(string verb, string kind, string name, string ns) =>
        Forbids(verb, kind, name)
        || (verb == "update" && Forbids("create", kind, name) && Objects.Get(kind + ".coordination.k8s.io", ns, name).Code == 404);

    private static async Task SendAsync(HttpContext context, FakeAnswer answer)
    {
        context.Response.StatusCode = answer.Code;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.Object.ToJsonString());
    }
}
