using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Sidecars.Container.Tests;

/// <summary>
/// A container engine on this machine, reached by its API on a Unix socket. Says whether the suite can run on it, and kills containers,
/// which Testcontainers can't.
/// </summary>
/// <param name="address">As in <c>DOCKER_HOST</c>: <c>unix://</c> and a path.</param>
internal sealed class Engine(string address)
{
    /// <summary>The version that Testcontainers 4 speaks. Podman serves any; Docker 20.10 ends at 1.41 and refuses every call.</summary>
    private const string Api = "v1.44";

    private static readonly Lazy<string?> LocalProblem = new(() => Local!.FindProblem());
    private static readonly string Version = typeof(Engine).Assembly.GetName().Version!.ToString(3);

    /// <summary>The engine that <c>DOCKER_HOST</c> names, else the one at Docker's default socket.</summary>
    public static Engine Local { get; } =
        new(Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 } host ? host : "unix:///var/run/docker.sock");

    /// <summary>Why the suite can't run on <see cref="Local"/>; null where it can. Asked once.</summary>
    public static string? Missing => LocalProblem.Value;

    /// <summary>Time-out of a question: ample for a local socket, and short enough not to hold up the other tests.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For Testcontainers.</summary>
    public Uri Endpoint => new(address);

    private string SocketPath => address["unix://".Length..];

    /// <summary>Why the suite can't run on this engine; null where it can. Never throws; an engine that hangs is asked once.</summary>
    public string? FindProblem()
    {
        if (!address.StartsWith("unix:///", StringComparison.Ordinal)) return $"the container engine {address} is not on a Unix socket";
        if (!File.Exists(SocketPath)) return $"no container engine: {SocketPath} does not exist (DOCKER_HOST names another)";
        try
        {
            var (status, body) = Get("version");
            if (status != HttpStatusCode.OK) return $"the container engine refuses API {Api}: {Message(body)}";
            var missing = ((string[])["redis", "sentinel"]).FirstOrDefault(image => FindImage(image) is null);
            return missing is null ? null : $"the container engine has no image sidecars/{missing}:{Version} (docker/README.md)";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return $"no container engine answers at {SocketPath}: {e.GetBaseException().Message}";
        }
    }

    /// <summary>The name of an image of this version; null where the engine has none.</summary>
    /// <param name="image"><c>redis</c> or <c>sentinel</c>.</param>
    public string? FindImage(string image)
    {
        // Docker keeps a name as given; buildah and podman prefix localhost/ where it has no registry.
        string[] names = [$"sidecars/{image}:{Version}", $"localhost/sidecars/{image}:{Version}"];
        return names.FirstOrDefault(name => Get($"images/{name}/json").Status == HttpStatusCode.OK);
    }

    /// <summary>Sends SIGKILL to a container and waits until it has ended.</summary>
    public async Task KillAsync(string id)
    {
        using var client = Client(Timeout.InfiniteTimeSpan);
        using var killed = await client.PostAsync($"containers/{id}/kill?signal=KILL", null);
        killed.EnsureSuccessStatusCode();
        using var ended = await client.PostAsync($"containers/{id}/wait?condition=not-running", null);
        ended.EnsureSuccessStatusCode();
    }

    private (HttpStatusCode Status, string Body) Get(string path)
    {
        using var client = Client(Limit);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var response = client.Send(request);
        using var reader = new StreamReader(response.Content.ReadAsStream());
        return (response.StatusCode, reader.ReadToEnd());
    }

    private HttpClient Client(TimeSpan limit) => new(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false })
    {
        BaseAddress = new Uri($"http://engine/{Api}/"),
        Timeout = limit,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // An error is {"message": "…"}.
    private static string Message(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.GetProperty("message").GetString() ?? body;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return body.Trim();
        }
    }
}

/// <summary>A fact that is skipped, visibly, where no container engine has the images.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EngineFactAttribute : FactAttribute
{
    public EngineFactAttribute() => Skip = Engine.Missing;
}
