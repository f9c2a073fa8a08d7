using System.Diagnostics;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// moto's server (Python) on a free loopback port, as S3. It checks conditions, parts and locks as S3 does, but no signature and no
/// checksum: tests compare contents.
/// </summary>
public sealed class MotoServer : IAsyncDisposable
{
    private static readonly Lazy<string?> Absence = new(LookForModule);
    private readonly ServerProcess _process;

    private MotoServer(ServerProcess process, int port) => (_process, Endpoint) = (process, new Uri($"http://127.0.0.1:{port}"));

    /// <summary>Why it can't run here; null where it can.</summary>
    public static string? Missing => Absence.Value;

    /// <summary>Where it listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The process, to be stopped and killed.</summary>
    public ServerProcess Process => _process;

    /// <summary>Starts one; ready when this returns.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        var port = FreePort.Next();
        var process = await ServerProcess.StartAsync(
            new ServerStart("python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", $"{port}") { Name = "moto" });
        var server = new MotoServer(process, port);
        try
        {
            using var http = new HttpClient();
            await process.WaitUntilAsync("it answers", async () =>
            {
                try
                {
                    using var reply = await http.GetAsync(server.Endpoint);
                    return reply.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            });
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new bucket.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="locks">With Object Lock.</param>
    public async Task CreateBucketAsync(string name, bool locks = false)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(Endpoint, name));
        request.Headers.TryAddWithoutValidation(
            "Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0");
        if (locks) request.Headers.Add("x-amz-bucket-object-lock-enabled", "true");
        using var reply = await http.SendAsync(request);
        reply.EnsureSuccessStatusCode();
    }

    /// <summary>Kills it.</summary>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static string? LookForModule()
    {
        try
        {
            var info = new ProcessStartInfo(
                "python3", ["-c", "import importlib.util,sys; sys.exit(importlib.util.find_spec('moto') is None)"])
            { RedirectStandardError = true };
            using var python = System.Diagnostics.Process.Start(info)!;
            python.WaitForExit();
            return python.ExitCode == 0 ? null : "moto is not installed (Debian python3-moto): no S3 server to hold the contract against";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "python3 is not installed: no S3 server to hold the contract against";
        }
    }
}
