using Sidecars.Manifests.Tests.Rendering;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>
/// A container of ours ends at once where a setting names a file that isn't there. The settings are shared by all containers, and one
/// component may bring the setting, another the container.
/// </summary>
public sealed class FileMountTests
{
    public static TheoryData<string> Components => [.. Renders.Names("components")];

    [ToolTheory("kubectl")]
    [MemberData(nameof(Renders.Tenants), MemberType = typeof(Renders))]
    public async Task Every_file_that_a_setting_names_is_mounted(string name) =>
        Assert.Empty(FileMounts.Missing(await Renders.GetAsync(name)));

    // Two are enough: a setting comes from one component or the base, a container too.
    [ToolTheory("kubectl")]
    [MemberData(nameof(Components))]
    public async Task It_is_with_any_other_component_in_either_order(string first)
    {
        foreach (var second in Renders.Names("components").Where(second => second != first && !Include(first, second)))
        {
            var missing = FileMounts.Missing(await Renders.OverlayAsync([first, second], ""));
            Assert.True(missing.Length == 0, $"{first}, {second}:\n{string.Join('\n', missing)}");
        }
    }

    [ToolTheory("kubectl")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_with_all_of_them(bool reversed)
    {
        var all = Renders.Names("components").ToArray();
        // One that another brings would be merged twice.
        var components = all.Where(one => !all.Any(other => Brings(other, one)));

        Assert.Empty(FileMounts.Missing(await Renders.OverlayAsync(reversed ? components.Reverse() : components, "")));
    }

    [ToolFact("kubectl")]
    public async Task A_setting_without_its_mount_is_found()
    {
        // As a tenant might write it; /etc/redis-auth is there, what is beside it is not.
        const string lines = """
            configMapGenerator:
              - name: redis-group
                behavior: merge
                literals: [SIDECAR_PASSWORD_FILE=/etc/redis-authority/sidecar-password]

            """;

        var missing = FileMounts.Missing(await Renders.OverlayAsync(["components/backup"], lines));

        Assert.Equal(
            ["CronJob/redis-backup-drill backup", "CronJob/redis-backup-prune backup", "StatefulSet/redis backup",
                "StatefulSet/redis failover", "StatefulSet/redis redis"],
            missing.Select(line => line.Split(':')[0]).Order(StringComparer.Ordinal));
    }

    private static bool Include(string one, string other) => Brings(one, other) || Brings(other, one);

    private static bool Brings(string component, string other) =>
        YamlExtensions.Parse(File.ReadAllText(Path.Combine(Renders.Folder, component, "kustomization.yaml"))).Single()
            .Texts("components").Contains($"../{Path.GetFileName(other)}");
}
