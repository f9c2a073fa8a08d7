using Sidecars.Manifests.Tests.Rendering;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Manifests.Tests.Tenants;

/// <summary>scripts/tenant on a copy of manifests/, with a kubectl of the test's own that writes down what it is told to $CALLS.</summary>
/// <param name="kubectl">Its text; $REAL_KUBECTL is the one of this machine.</param>
internal sealed class TenantScript(string kubectl) : IDisposable
{
    private readonly TempFolder _copy = new("tenant");

    public void Dispose() => _copy.Dispose();

    public string File(params string[] names) => _copy.File(names);

    public void Write(string name, string text) => _copy.Write(name, text);

    public string[] Calls() => System.IO.File.Exists(File("calls")) ? System.IO.File.ReadAllLines(File("calls")) : [];

    public Task<ToolResult> RunAsync(params string[] arguments) => RunWithAsync([], arguments);

    public async Task<ToolResult> RunWithAsync(Dictionary<string, string> variables, params string[] arguments)
    {
        await CopyAsync();
        return await Tool.RunAsync("bash", [File("scripts", "tenant"), .. arguments], Environment(variables));
    }

    /// <summary>What a person types beside the script.</summary>
    public async Task<ToolResult> KubectlAsync(params string[] arguments)
    {
        await CopyAsync();
        return await Tool.RunAsync(File("bin", "kubectl"), arguments, Environment([]));
    }

    private async Task CopyAsync()
    {
        if (Directory.Exists(File("manifests"))) return;
        string[] parts = [Renders.Folder, Path.Combine(Repository.Root, "scripts"), Path.Combine(Repository.Root, "Directory.Build.props")];
        var copied = await Tool.RunAsync("cp", ["-r", .. parts, _copy.Path]);
        Assert.Equal(0, copied.ExitCode);
        // The examples have no registry, which a tenant must give.
        foreach (var tenant in (string[])["demo-a", "demo-b"])
        {
            await System.IO.File.AppendAllTextAsync(
                File("manifests", "tenants", tenant, "kustomization.yaml"),
                "images:\n  - {name: sidecars/redis, newName: registry.example/redis}\n"
                + "  - {name: sidecars/sentinel, newName: registry.example/sentinel}\n");
        }

        Assert.Equal(0, (await Tool.RunAsync("chmod", ["+x", _copy.Write("bin/kubectl", kubectl)])).ExitCode);
    }

    private Dictionary<string, string> Environment(Dictionary<string, string> variables)
    {
        variables["PATH"] = $"{File("bin")}:{System.Environment.GetEnvironmentVariable("PATH")}";
        variables["CALLS"] = File("calls");
        variables["STATE"] = _copy.Folder("state");
        variables["REAL_KUBECTL"] = Tool.Find("kubectl") ?? "";
        return variables;
    }
}
