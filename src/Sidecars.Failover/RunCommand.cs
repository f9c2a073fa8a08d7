using System.CommandLine;
using Sidecars.Core.Hosting;

namespace Sidecars.Failover;

/// <summary><c>run</c>: the sidecar of a Redis, until SIGTERM.</summary>
internal static class RunCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("run", "The sidecar: keeps marker and record, publishes the master, fences, repairs, until SIGTERM.");
        command.SetAction((_, _) => context.WithAsync(async options =>
        {
            using var lines = Console.OpenStandardOutput();
            var log = new JsonLineLog(lines, "redis-failover", TimeProvider.System, options.Group.LogLevel);
            log.Info("started", $"the sidecar of {options.Redis} in {options.Group.Cluster}");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.Signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        }));
        return command;
    }
}
