using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Demo;

/// <summary>Scripts of this repository, and the demo as scripts/demo starts it: with the managed executables that lie beside it.</summary>
internal static class DemoScript
{
    /// <summary>The folder of the scripts.</summary>
    public static string Folder => Path.Combine(Repository.Root, "scripts");

    /// <summary>The comment block of a script, which is its help.</summary>
    public static IReadOnlyList<string> Help(string script)
    {
        var comment = File.ReadLines(Path.Combine(Folder, script)).Skip(1).TakeWhile(line => line.StartsWith('#'));
        return [.. comment.Select(line => line.Length > 2 ? line[2..] : "")];
    }

    /// <summary>Runs a command of a shell to its end.</summary>
    public static async Task<ServerProcess> ShellAsync(string command, params (string Name, string Value)[] environment)
    {
        var start = new ServerStart("bash", "-c", command) { WorkingDirectory = Repository.Root, Environment = Runtime(environment) };
        var process = await ServerProcess.StartAsync(start);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return process;
    }

    /// <summary>Starts the demo.</summary>
    public static Task<ServerProcess> StartAsync(TempFolder folder, params string[] arguments) =>
        ServerProcess.StartAsync(new ServerStart(Path.Combine(AppContext.BaseDirectory, "sidecars-demo"), arguments)
        {
            Environment = Runtime(
            [
                ("SIDECARS_NATIVE_DIR", AppContext.BaseDirectory), ("SIDECARS_DEMO_KEPT", NoteIn(folder)), ("TMPDIR", folder.Path),
            ]),
        });

    /// <summary>Where that demo notes what it leaves running.</summary>
    public static string NoteIn(TempFolder folder) => folder.File("kept");

    private static Dictionary<string, string> Runtime((string Name, string Value)[] environment)
    {
        var all = environment.ToDictionary(one => one.Name, one => one.Value);
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root) all["DOTNET_ROOT"] = root;
        return all;
    }
}
