using System.Security.Cryptography.X509Certificates;
using k8s;
using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>The contract against the fake that the other tests use: what it gets wrong, they would believe.</summary>
public sealed class FakeLeaseTests : LeaseContract
{
    protected override Task<IContractCluster> ConnectAsync() => StartAsync();

    internal static async Task<IContractCluster> StartAsync()
    {
        var server = await FakeKubernetesServer.StartAsync();
        return new Cluster(
            server, new KubernetesClient(server.Config with { CallDeadline = TimeSpan.FromMinutes(1) }, TimeProvider.System));
    }

    private static Kubernetes Connect(FakeKubernetesServer server)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(server.Config.CaFile);
        return new Kubernetes(new KubernetesClientConfiguration
        {
            Host = server.Config.Server.ToString(),
            Namespace = FakeKubernetesServer.Namespace,
            AccessToken = File.ReadAllText(server.Config.TokenFile).Trim(),
            SslCaCerts = roots,
        });
    }

    private sealed class Cluster(FakeKubernetesServer server, KubernetesClient client) : IContractCluster
    {
        public KubernetesClient Client => client;

        public IKubernetes Official { get; } = Connect(server);

        public Task DeleteAsync(string resourcePath, string name)
        {
            var parts = resourcePath.Split('/');
            server.Objects.Delete($"{parts[3]}.{parts[1]}", FakeKubernetesServer.Namespace, name);
            return Task.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            Official.Dispose();
            await server.DisposeAsync();
        }
    }
}
