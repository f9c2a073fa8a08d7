namespace Sidecars.Contract.Tests;

/// <summary>
/// The contract against the API server of the current context in <c>TEST_KUBECONFIG</c>. Its user needs a token, and
/// get, create, update and delete on leases and endpointslices in the context's namespace, and get on pods.
/// </summary>
[Requires("TEST_KUBECONFIG")]
public sealed class RealLeaseTests : LeaseContract
{
    protected override Task<IContractCluster> ConnectAsync() => OpenAsync();

    internal static Task<IContractCluster> OpenAsync() =>
        Task.FromResult<IContractCluster>(new RealCluster(Kubeconfig.Read(Environment.GetEnvironmentVariable("TEST_KUBECONFIG")!)));
}
