using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Demo;

/// <summary><c>--help</c> of every script answers at once: nothing is built and nothing is installed for it.</summary>
public sealed class ScriptHelpTests : IDisposable
{
    private readonly TempFolder _folder = new("help");

    public static TheoryData<string> Scripts() =>
    [
        .. Directory.EnumerateFiles(DemoScript.Folder).Where(file => !Path.HasExtension(file))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(),
        ".ci/run", "docker/smoke.sh",
    ];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Help_of_a_script_needs_neither_the_SDK_nor_a_package(string script)
    {
        var called = _folder.File("called");
        foreach (var program in (string[])["dotnet", "apt-get", "sudo"])
        {
            var stub = _folder.Write(Path.Combine("bin", program), $"#!/bin/sh\necho \"$0 $*\" >>{called}\nexit 1\n");
#pragma warning disable CA1416 // Linux only
            File.SetUnixFileMode(stub, UnixFileMode.UserExecute | UnixFileMode.UserRead);
#pragma warning restore CA1416
        }

        await using var help = await DemoScript.ShellAsync($"PATH={_folder.File("bin")}:$PATH exec {script} --help");

        Assert.True(help.ExitCode == 0, help.Tail());
        Assert.Contains(help.Output, line => line.StartsWith($"Usage: {script}", StringComparison.Ordinal));
        Assert.False(File.Exists(called), $"--help of {script} calls other programs");
    }

    [Theory]
    [InlineData("faults", "tests/Sidecars.Faults/FaultsOptions.cs")]
    [InlineData("fuzz", "tests/Sidecars.Fuzz/Program.cs")]
    public void A_script_describes_the_options_as_its_program_does(string script, string source)
    {
        var text = File.ReadLines(Path.Combine(Repository.Root, source)).Select(line => line.Trim());
        var described = text.Where(line => line.StartsWith("--", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(described);
        Assert.Subset(DemoScript.Help(script).Select(line => line.Trim()).ToHashSet(), described.ToHashSet());
    }
}
