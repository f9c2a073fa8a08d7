using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Sidecars.Core.Kubernetes;

namespace Sidecars.Contract.Tests;

/// <summary>The cluster of a kubeconfig, with the client that a pod would have.</summary>
public sealed class RealCluster : IContractCluster
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig-").FullName;
    private readonly HttpClient _other;
    private readonly Kubeconfig _kubeconfig;

    public RealCluster(Kubeconfig kubeconfig)
    {
        _kubeconfig = kubeconfig;
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
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(kubeconfig.CaPem);
        _other = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } }) { BaseAddress = kubeconfig.Server };
        _other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", kubeconfig.Token.Trim());
    }

    public KubernetesClient Client { get; }

    public async Task DeleteAsync(string resourcePath, string name)
    {
        var at = resourcePath.LastIndexOf('/');
        using var response = await _other.DeleteAsync($"{resourcePath[..at]}/namespaces/{_kubeconfig.Namespace}{resourcePath[at..]}/{name}");
        if (response.StatusCode != System.Net.HttpStatusCode.NotFound) response.EnsureSuccessStatusCode();
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        _other.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
