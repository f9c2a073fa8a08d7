using Sidecars.Core.Kubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>A cluster to hold the contract against.</summary>
public interface IContractCluster : IAsyncDisposable
{
    /// <summary>A client in a namespace that the test may write to.</summary>
    KubernetesClient Client { get; }

    /// <summary>Deletes an object by another hand; nothing happens where there is none.</summary>
    Task DeleteAsync(string resourcePath, string name);
}
