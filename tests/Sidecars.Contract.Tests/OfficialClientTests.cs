namespace Sidecars.Contract.Tests;

/// <summary>The official client against the fake that the other tests use.</summary>
public sealed class FakeOfficialClientTests : OfficialClientContract
{
    protected override Task<IContractCluster> ConnectAsync() => FakeLeaseTests.StartAsync();
}

/// <summary>The official client against the API server of <c>TEST_KUBECONFIG</c>; rights as for <see cref="RealLeaseTests"/>.</summary>
[Requires("TEST_KUBECONFIG")]
public sealed class RealOfficialClientTests : OfficialClientContract
{
    protected override Task<IContractCluster> ConnectAsync() => RealLeaseTests.OpenAsync();
}
