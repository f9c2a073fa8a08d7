using System.Net;
using k8s;
using k8s.Autorest;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>The cluster of a kubeconfig, with the client that a pod would have.</summary>
public sealed class RealCluster : IContractCluster
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig-").FullName;

    public RealCluster(Kubeconfig kubeconfig)
    {
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), kubeconfig.CaPem);
        File.WriteAllText(Path.Combine(_folder, "token"), kubeconfig.Token);
        Client = new KubernetesClient(
            new KubernetesConfig
            {
                Server = kubeconfig.Server,
                CaFile = Path.Combine(_folder, "ca.crt"),
                TokenFile = Path.Combine(_folder, "token"),
                Namespace = kubeconfig.Namespace,
                UserAgent = "sidecars-contract-tests",
                CallDeadline = TimeSpan.FromMinutes(1),
                ConnectTimeout = TimeSpan.FromMinutes(1),
            },
            TimeProvider.System);
        Official = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig.Path));
    }

    public KubernetesClient Client { get; }

    public IKubernetes Official { get; }

    public async Task DeleteAsync(string resourcePath, string name)
    {
        try
        {
            if (resourcePath.EndsWith("leases", StringComparison.Ordinal))
                await Official.CoordinationV1.DeleteNamespacedLeaseAsync(name, Client.Namespace);
            else await Official.DiscoveryV1.DeleteNamespacedEndpointSliceAsync(name, Client.Namespace);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            // There is none.
        }
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        Official.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
