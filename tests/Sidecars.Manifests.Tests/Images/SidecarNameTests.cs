using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Images;

/// <summary>redis-failover and redis-backup are one file, as in the image: what it is called by decides.</summary>
public sealed class SidecarNameTests
{
    [Theory]
    [InlineData("redis-failover", "publishes the master")]
    [InlineData("redis-backup", "append-only file")]
    public async Task A_link_of_its_name_is_the_executable(string name, string says)
    {
        using var folder = new TempFolder("names");
        File.CreateSymbolicLink(folder.File(name), Repository.NativeExecutable("redis-sidecars"));

        var help = await Tool.RunAsync(folder.File(name), ["--help"]);

        Assert.Equal(0, help.ExitCode);
        Assert.Contains(says, help.Output, StringComparison.Ordinal);
        Assert.Contains($"{name} [command]", help.Output, StringComparison.Ordinal);
        // A mistake in the settings is found by the executable of this name.
        var mistake = await Tool.RunAsync(folder.File(name), ["run"], new Dictionary<string, string> { ["REDIS_PORT"] = "no number" });
        Assert.Equal(2, mistake.ExitCode);
        Assert.Contains($"'{name} --help'", mistake.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_another_name_it_does_nothing_and_says_what_it_is()
    {
        var result = await Tool.RunAsync(Repository.NativeExecutable("redis-sidecars"), ["run"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("redis-failover or redis-backup", result.Error, StringComparison.Ordinal);
    }
}
