using k8s;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>A cluster to hold the contract against.</summary>
public interface IContractCluster : IAsyncDisposable
{
    /// <summary>A client in a namespace that the test may write to.</summary>
    KubernetesClient Client { get; }

    /// <summary>The official client, with the same rights: what it says of an object is not our reading of it.</summary>
    IKubernetes Official { get; }

    /// <summary>Deletes an object by another hand; nothing happens where there is none.</summary>
    Task DeleteAsync(string resourcePath, string name);
}
