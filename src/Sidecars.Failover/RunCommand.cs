using System.CommandLine;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Options;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary><c>run</c>: the sidecar of a Redis, until SIGTERM.</summary>
internal static class RunCommand
{
    // A round that is under way ends by its own deadlines, of a second or two; below what Kubernetes gives a pod by default.
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(10);

    public static Command Create(CommandContext context)
    {
        var command = new Command("run", "The sidecar: keeps marker and record, publishes the master, fences, repairs, until SIGTERM.");
        var dry = new Option<bool>("--dry-run")
        { Description = "shadow mode: decide, log and count, change nothing but marker and record (as DRY_RUN)" };
        command.Add(dry);
        command.SetAction((parsed, _) => context.WithAsync(async read =>
        {
            var options = parsed.GetValue(dry) ? read with { DryRun = true } : read;
            var group = options.Group;
            using var lines = QueuedLog.OnStandardOutput("redis-failover", group.LogLevel, group.LogFormat, group.ConfigDirectory);
            foreach (var remark in context.Settings.Remarks) lines.Log.Warning("setting", remark);
            // A sidecar without them is worth more than none: it still fences and publishes.
            foreach (var problem in group.DirectoryProblems(needsData: true)) lines.Log.Error("wrong-configuration", problem);
            lines.Log.Info("started", $"the sidecar of {options.Redis} in {group.Cluster}{(options.DryRun ? ", in shadow mode" : "")}");
            using var sidecar = new Sidecar(options, lines, TimeProvider.System, Random.Shared);
            await SidecarHost.RunAsync(DrainLimit, context.Signals.Token, sidecar.RunAsync).ConfigureAwait(false);
            return ExitCode.Ok;
        }));
        return command;
    }
}
