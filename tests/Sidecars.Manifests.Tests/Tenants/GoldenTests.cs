using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>
/// The examples as they are rendered, byte by byte, so that a change of the base shows what it does to tenants. To accept one:
/// <c>SIDECARS_GOLDEN=write dotnet test tests/Sidecars.Manifests.Tests --filter Golden</c>.
/// </summary>
public sealed class GoldenTests
{
    [ToolTheory("kubectl")]
    [InlineData("demo-a")]
    [InlineData("demo-b")]
    public async Task A_render_is_what_it_was(string tenant)
    {
        var file = Path.Combine(Repository.Root, "tests", "Sidecars.Manifests.Tests", "Tenants", $"{tenant}.golden");
        var rendered = (await Renders.GetAsync($"tenants/{tenant}")).Text;
        if (Environment.GetEnvironmentVariable("SIDECARS_GOLDEN") == "write") await File.WriteAllTextAsync(file, rendered);

        Assert.Equal(await File.ReadAllTextAsync(file), rendered);
    }
}
