using Sidecars.Core.Kubernetes;

namespace Sidecars.Unit.Tests.Core.Kubernetes;

public sealed class KubernetesConfigTests
{
    [Theory]
    [InlineData("10.96.0.1", 443, "https://10.96.0.1/")]
    [InlineData("fd00:10:96::1", 6443, "https://[fd00:10:96::1]:6443/")]
    [InlineData("[fd00:10:96::1]", 443, "https://[fd00:10:96::1]/")]
    [InlineData("kubernetes.default.svc", 443, "https://kubernetes.default.svc/")]
    public void A_host_becomes_a_base_address(string host, int port, string expected) =>
        Assert.Equal(expected, KubernetesConfig.InCluster(host, port, "tenant-a").Server.ToString());

    [Theory]
    [InlineData("", 443, "tenant-a")]
    [InlineData("a/b", 443, "tenant-a")]
    [InlineData("user@host", 443, "tenant-a")]
    [InlineData("host", 0, "tenant-a")]
    [InlineData("host", 65536, "tenant-a")]
    [InlineData("host", 443, "")]
    [InlineData("host", 443, "../kube-system")]
    [InlineData("host", 443, "a.b")]
    public void What_can_not_be_an_address_or_a_namespace_is_refused(string host, int port, string name) =>
        Assert.ThrowsAny<ArgumentException>(() => KubernetesConfig.InCluster(host, port, name));
}
