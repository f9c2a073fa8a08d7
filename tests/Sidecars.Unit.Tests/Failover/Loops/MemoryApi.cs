using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>An API server without a network, and the weather that it has.</summary>
internal sealed class MemoryApi : IDisposable
{
    public const string Namespace = "tenant";

    private readonly TempFolder _folder = new("memory-api");
    private readonly VirtualTime _time;
    private int _hanging;

    public MemoryApi(VirtualTime time)
    {
        _time = time;
        using var authority = new TestAuthority();
        _folder.Write("ca.crt", authority.Pem);
        _folder.Write("token", "token-1");
        Client = new KubernetesClient(KubernetesConfig.InCluster("10.96.0.1", 443, Namespace, _folder.Path), time, () => new Handler(this));
    }

    public KubernetesClient Client { get; }

    public FakeObjects Objects { get; } = new();

    /// <summary>What the server answers in place of what it should; null: as it should.</summary>
    public Func<HttpResponseMessage?> Weather { get; set; } = () => null;

    /// <summary>Requests are never answered.</summary>
    public bool Hangs { get; set; }

    /// <summary>Calls that wait for an answer.</summary>
    public int Hanging => Volatile.Read(ref _hanging);

    /// <summary>When each request was sent.</summary>
    public ConcurrentQueue<TimeSpan> Sent { get; } = new();

    public void Dispose()
    {
        Client.Dispose();
        _folder.Dispose();
    }

    private sealed class Handler(MemoryApi api) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            api.Sent.Enqueue(api._time.Now);
            if (api.Hangs)
            {
                Interlocked.Increment(ref api._hanging);
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    Interlocked.Decrement(ref api._hanging);
                }
            }

            return api.Weather() ?? Act(request);
        }

        private HttpResponseMessage Act(HttpRequestMessage request)
        {
            var parts = request.RequestUri!.AbsolutePath.Trim('/').Split('/');
            var at = Array.IndexOf(parts, "namespaces");
            var resource = parts[at + 2] + (at == 2 ? "" : "." + parts[1]);
            var name = parts.Length > at + 3 ? parts[at + 3] : "";
            var body = request.Content is null ? null : JsonNode.Parse(request.Content.ReadAsStream())!.AsObject();
            var answer = request.Method.Method switch
            {
                "GET" => api.Objects.Get(resource, Namespace, name),
                "PUT" => api.Objects.Put(resource, Namespace, name, body!),
                "POST" => api.Objects.Post(resource, Namespace, body!),
                _ => api.Objects.PatchPodStatus(Namespace, name, body!),
            };
            return new HttpResponseMessage((HttpStatusCode)answer.Code)
            { Content = new StringContent(answer.Object.ToJsonString(), Encoding.UTF8, "application/json") };
        }
    }
}
