using Sidecars.TestKit.Groups;

namespace Sidecars.Demo.Tenant;

/// <summary>Executables with the settings of one pod, to be called from any shell: what <c>kubectl exec</c> finds in a container.</summary>
internal static class ToolFolder
{
    /// <summary>Writes <c>redis-failover</c> and <c>redis-backup</c> of a Redis' pod.</summary>
    /// <returns>The folder that they are in.</returns>
    public static string Write(LocalTenant tenant, LocalNode node)
    {
        var folder = Directory.CreateDirectory(Path.Combine(tenant.Group.Folder, "bin")).FullName;
        WriteTool(folder, "redis-failover", tenant.Group.SidecarEnvironmentOf(node));
        WriteTool(folder, "redis-backup", tenant.SidecarsOf(node).BackupEnvironment);
        return folder;
    }

    private static void WriteTool(string folder, string name, IReadOnlyDictionary<string, string> environment)
    {
        var file = Path.Combine(folder, name);
        var settings = environment.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"export {one.Key}={Quoted(one.Value)}\n");
        File.WriteAllText(file, $"#!/bin/sh\n{string.Concat(settings)}exec {Quoted(Repository.NativeExecutable(name))} \"$@\"\n");
        const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.UserRead | UnixFileMode.UserWrite;
#pragma warning disable CA1416 // Linux only
        File.SetUnixFileMode(file, Execute);
#pragma warning restore CA1416
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
