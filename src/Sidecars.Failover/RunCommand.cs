using System.CommandLine;
using Sidecars.Core.Hosting;

namespace Sidecars.Failover;

/// <summary><c>run</c>: the sidecar of a Redis, until SIGTERM.</summary>
internal static class RunCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("run", "The sidecar: keeps marker and record, publishes the master, fences, repairs, until SIGTERM.");
        var dry = new Option<bool>("--dry-run") { Description = "shadow mode: decide, log and count, change nothing but marker and record (as DRY_RUN)" };
        command.Add(dry);
        command.SetAction((parsed, _) => context.WithAsync(async read =>
        {
            var options = parsed.GetValue(dry) ? read with { DryRun = true } : read;
            using var lines = new LogQueue(Console.OpenStandardOutput(), "redis-failover", TimeProvider.System, options.Group.LogLevel);
            lines.Log.Info("started", $"the sidecar of {options.Redis} in {options.Group.Cluster}{(options.DryRun ? ", in shadow mode" : "")}");
            using var sidecar = new Sidecar(options, lines, TimeProvider.System, Random.Shared);
            await sidecar.RunAsync(context.Signals.Token).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }
}
