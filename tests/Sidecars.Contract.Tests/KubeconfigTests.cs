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
        Assert.Equal(new Kubeconfig(new Uri("https://127.0.0.1:6443/"), "PEM", "t", "n"), Kubeconfig.Read(path));
        File.Delete(path);
    }
}
