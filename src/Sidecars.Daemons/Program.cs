using System.Text;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Status;

namespace Sidecars.Daemons;

/// <summary>Becomes the executable that it was called as: its names are links to one file.</summary>
internal static class Program
{
    private static readonly HostedCode Hosted = new(BackupLook.ReadAsync, SnapshotReplay.Decide);

    private static async Task<int> Main(string[] arguments)
    {
        var called = Environment.GetCommandLineArgs()[0];
        switch (called[(called.LastIndexOf('/') + 1)..])
        {
            case "redis-failover": return await Failover.Program.RunAsync(arguments, Hosted).ConfigureAwait(false);
            case "redis-backup": return await Backup.Program.Main(arguments).ConfigureAwait(false);
            default:
                await using (var error = Console.OpenStandardError())
                    await error.WriteAsync(Encoding.UTF8.GetBytes(
                        "This file is redis-failover or redis-backup: call it by a link of that name.\n")).ConfigureAwait(false);
                return ExitCode.WrongConfiguration;
        }
    }
}
