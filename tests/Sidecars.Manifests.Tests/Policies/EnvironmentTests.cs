using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

public sealed partial class EnvironmentTests
{
    private static readonly ConcurrentDictionary<string, Task<HashSet<string>>> Known = [];

    // Not read by us: POD_NAME only serves $(POD_NAME), OpenSSL and the SDK of AWS read the others.
    private static readonly string[] Platform = ["POD_NAME", "SSL_CERT_DIR", "SSL_CERT_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

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
        var rendered = await Renders.GetAsync(name);
        HashSet<string> shared = [];
        foreach (var executable in (string[])["redis-bootstrap", "redis-failover", "redis-backup"])
            shared.UnionWith(await Settings(executable));
        foreach (var workload in rendered.Workloads.Concat(rendered.Jobs))
        {
            foreach (var container in workload.Containers)
            {
                var own = container.Items("env").Select(variable => variable.Text("name")!).ToArray();
                Assert.Equal(own.Distinct(), own);
                if (container.Text("name") == "exporter")
                {
                    Assert.Empty(own.Except(Exporter));
                    continue;
                }

                // What is a container's own is for its executable; what is shared is for any of them.
                Assert.Empty(own.Except(await Settings(ExecutableOf(container))).Except(Platform));
                Assert.Empty(rendered.EnvironmentOf(container).Keys.Except(shared).Except(Platform));
                // $(NAME) is expanded from variables above it only.
                for (var i = 0; i < own.Length; i++)
                    Assert.All(Reference().Matches(container.Items("env")[i].Text("value") ?? ""),
                        reference => Assert.Contains(reference.Groups[1].Value, own[..i]));
            }
        }
    }

    [GeneratedRegex(@"\$\(([A-Z0-9_]+)\)")]
    private static partial Regex Reference();

    private static string ExecutableOf(YamlNode container) =>
        container.Texts("command") is [var executable, ..] ? executable : "redis-bootstrap";

    private static Task<HashSet<string>> Settings(string executable) => Known.GetOrAdd(executable, SettingsAsync);

    private static async Task<HashSet<string>> SettingsAsync(string executable)
    {
        // The managed build beside this test: "scripts/tenant check" needs no native publish.
        var help = await Tool.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, executable + ".dll"), "--help"]);
        Assert.True(help.ExitCode == 0, help.Error);
        return [.. help.Output.Split('\n')
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line.Length > 2 && char.IsAsciiLetterUpper(line[2]))
            .Select(line => line.Trim().Split(' ')[0])];
    }
}
