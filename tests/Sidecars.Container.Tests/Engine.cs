using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Sidecars.Container.Tests;

/// <summary>
/// The container engine of this machine, by its API on a Unix socket: whether the suite can run on it, and the one thing that Testcontainers
/// can't do, a kill.
/// </summary>
/// <param name="address">As in <c>DOCKER_HOST</c>: <c>unix://</c> and a path.</param>
internal sealed class Engine(string address)
{
    /// <summary>The version that Testcontainers 4 speaks. Podman serves any; Docker 20.10 ends at 1.41 and refuses every call.</summary>
    private const string Api = "v1.44";

    private static readonly Lazy<string?> LocalProblem = new(() => Local!.FindProblem());
    private static readonly string Version = typeof(Engine).Assembly.GetName().Version!.ToString(3);

    /// <summary>Where <c>DOCKER_HOST</c> says, else where Docker listens by default.</summary>
    public static Engine Local { get; } = new(Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 } host ? host : "unix:///var/run/docker.sock");

    /// <summary>Why the suite can't run on <see cref="Local"/>; null where it can. Asked once.</summary>
    public static string? Missing => LocalProblem.Value;

    /// <summary>Of each question: long for a local socket, short for whoever waits for the other tests.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For Testcontainers.</summary>
    public Uri Endpoint => new(address);

    private string SocketPath => address["unix://".Length..];

    /// <summary>Why the suite can't run on this engine; null where it can. Throws nothing, and an engine that hangs is asked one question only.</summary>
    public string? FindProblem()
    {
        if (!address.StartsWith("unix:///", StringComparison.Ordinal)) return $"the container engine at {address} is not on a socket of this machine";
        if (!File.Exists(SocketPath)) return $"no container engine: {SocketPath} does not exist (DOCKER_HOST names another)";
        try
        {
            var (status, body) = Get("version");
            if (status != HttpStatusCode.OK) return $"the container engine refuses API {Api}: {Message(body)}";
            var missing = ((string[])["redis", "sentinel"]).FirstOrDefault(image => FindImage(image) is null);
            return missing is null ? null : $"the container engine has no image sidecars/{missing}:{Version}: docker/README.md says how to build it";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return $"no container engine answers at {SocketPath}: {e.GetBaseException().Message}";
        }
    }

    /// <summary>The name of an image of this version; null where the engine has none.</summary>
    /// <param name="image"><c>redis</c> or <c>sentinel</c>.</param>
    public string? FindImage(string image) =>
        // Docker keeps names as they were given; buildah and podman put localhost/ before one without a registry.
        ((string[])[$"sidecars/{image}:{Version}", $"localhost/sidecars/{image}:{Version}"]).FirstOrDefault(name => Get($"images/{name}/json").Status == HttpStatusCode.OK);

    /// <summary>SIGKILL to a container, and waits for its end.</summary>
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
