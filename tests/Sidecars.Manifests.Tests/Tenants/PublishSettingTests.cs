using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>Settings of publishing that do not go together, as a person meets them: <c>redis-failover status</c>.</summary>
public sealed class PublishSettingTests
{
    [Theory]
    [InlineData("DNS_NAME is set without ROUTE53_ZONE_ID, DNS_ENDPOINT_NAME or ZONE_FILE", "DNS_NAME=redis.example.org")]
    [InlineData("DNS_ENDPOINT_NAME is set without DNS_NAME", "DNS_ENDPOINT_NAME=redis-master")]
    [InlineData("ROUTE53_ZONE_ID and DNS_ENDPOINT_NAME are both set", "DNS_NAME=redis.example.org", "DNS_ENDPOINT_NAME=redis-master",
        "ROUTE53_ZONE_ID=Z1")]
    [InlineData("DNS_ENDPOINT_NAME is set, which needs KUBERNETES_SERVICE_HOST", "DNS_NAME=redis.example.org",
        "DNS_ENDPOINT_NAME=redis-master")]
    [InlineData("DNS_ENDPOINT_NAME is 'Redis_Master'", "DNS_NAME=redis.example.org", "DNS_ENDPOINT_NAME=Redis_Master")]
    public async Task A_mistake_names_its_variable(string message, params string[] settings)
    {
        var variables = settings.Select(setting => setting.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        // refused at once
        foreach (var host in (string[])["REDIS_SENTINEL_SERVICE_HOST", "REDIS_SERVER_SERVICE_HOST", "REDIS_HOST"])
            variables[host] = "127.0.0.1:1";
        variables["KUBERNETES_SERVICE_HOST"] = "";

        var status = await Tool.RunAsync(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "redis-failover.dll"), "status", "--output", "json"], variables);

        Assert.Equal(1, status.ExitCode);
        Assert.Contains(message, status.Output.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
