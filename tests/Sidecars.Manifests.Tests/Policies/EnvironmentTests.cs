using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Policies;

public sealed class EnvironmentTests
{
    // Not read by us: POD_NAME only serves $(POD_NAME), and OpenSSL reads the others.
    private static readonly string[] Platform = ["POD_NAME", "SSL_CERT_DIR", "SSL_CERT_FILE"];

    // What the exporter reads of these (its binary, 1.45 and later); a misspelt one would leave it without password or TLS.
    private static readonly string[] Exporter =
    [
        "POD_NAMESPACE", "REDIS_ADDR", "REDIS_USER", "REDIS_PASSWORD", "REDIS_EXPORTER_WEB_LISTEN_ADDRESS",
        "REDIS_EXPORTER_TLS_CA_CERT_FILE", "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE", "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE",
    ];

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_variable_is_one_that_the_executable_lists_in_its_help(string name)
    {
        var known = await SettingsAsync();
        foreach (var workload in (await Renders.GetAsync(name)).Workloads)
        {
            var names = workload.Main.Items("env").Select(variable => variable.Text("name")!).ToArray();
            Assert.Empty(names.Except(known).Except(Platform));
            Assert.Equal(names.Distinct(), names);
            Assert.Empty(workload.Pod.Items("initContainers").SelectMany(container => container.Items("env")).Select(variable => variable.Text("name")).Except(Exporter));
            // $(NAME) is expanded from variables above it only.
            for (var i = 0; i < names.Length; i++)
                if (workload.Main.Items("env")[i].Text("value") is ['$', '(', ..] reference) Assert.Contains(reference[2..^1], names[..i]);
        }
    }

    private static async Task<HashSet<string>> SettingsAsync()
    {
        // The managed build beside this test: "scripts/tenant check" needs no native publish.
        var help = await Tool.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "redis-bootstrap.dll"), "--help"]);
        Assert.True(help.ExitCode == 0, help.Error);
        return [.. help.Output.Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line.Length > 2 && char.IsAsciiLetterUpper(line[2])).Select(line => line.Trim().Split(' ')[0])];
    }
}
