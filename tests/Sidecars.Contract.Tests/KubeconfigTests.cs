using System.Text;
using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.Contract.Tests;

public sealed class KubeconfigTests
{
    [Fact]
    public void The_current_context_is_read()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, """
            apiVersion: v1
            kind: Config
            current-context: two
            contexts:
            - {name: one, context: {cluster: x, user: x}}
            - {name: two, context: {cluster: c, user: u, namespace: n}}
            clusters:
            - {name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: UEVN}}
            users:
            - {name: u, user: {token: t}}
            """);
        Assert.Equal(new Kubeconfig(new Uri("https://127.0.0.1:6443/"), "PEM", "t", "n") { Path = path }, Kubeconfig.Read(path));
        File.Delete(path);
    }

    [Fact]
    public async Task The_cluster_of_a_kubeconfig_is_written_to_and_cleaned_up()
    {
        await using var server = await FakeKubernetesServer.StartAsync();
        var path = Path.GetTempFileName();
        var ca = Convert.ToBase64String(Encoding.UTF8.GetBytes(await File.ReadAllTextAsync(server.Config.CaFile)));
        await File.WriteAllTextAsync(path, $$$"""
            current-context: a
            contexts: [{name: a, context: {cluster: a, user: a, namespace: {{{FakeKubernetesServer.Namespace}}} }}]
            clusters: [{name: a, cluster: {server: "{{{server.Config.Server}}}", certificate-authority-data: {{{ca}}} }}]
            users: [{name: a, user: {token: token-1}}]
            """);
        await using var cluster = new RealCluster(Kubeconfig.Read(path));
        File.Delete(path);

        Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(
            await cluster.Client.PutLeaseAsync(LeaseDocument.New(cluster.Client.Namespace, "g"), default));
        await cluster.DeleteAsync("apis/coordination.k8s.io/v1/leases", "g");
        await cluster.DeleteAsync("apis/coordination.k8s.io/v1/leases", "g");
        Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await cluster.Client.GetLeaseAsync("g", default));
    }
}
