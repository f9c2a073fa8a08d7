using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>The contract against the fake that the other tests use: what it gets wrong, they would believe.</summary>
public sealed class FakeLeaseTests : LeaseContract
{
    protected override async Task<IContractCluster> ConnectAsync()
    {
        var server = await FakeKubernetesServer.StartAsync();
        return new Cluster(server, new KubernetesClient(server.Config with { CallDeadline = TimeSpan.FromMinutes(1) }, TimeProvider.System));
    }

    private sealed class Cluster(FakeKubernetesServer server, KubernetesClient client) : IContractCluster
    {
        public KubernetesClient Client => client;

        public Task DeleteAsync(string resourcePath, string name)
        {
            var parts = resourcePath.Split('/');
            server.Objects.Delete($"{parts[3]}.{parts[1]}", FakeKubernetesServer.Namespace, name);
            return Task.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await server.DisposeAsync();
        }
    }
}
