using System.CommandLine;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Options;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Status;

namespace Sidecars.Failover;

/// <summary>The commands, each in a file of its own.</summary>
internal sealed class FailoverCommands(CommandContext context, HostedCode hosted)
{
    public const string ExitCodes =
        "Exit codes: 0 done, 1 failed or refused (the last line says why), 2 wrong setting or argument, 130 SIGINT, 143 SIGTERM.";

    public RootCommand Root { get; } = new("redis-failover publishes the master of a group, fences an isolated one, and hands over.")
    {
        RunCommand.Create(context),
        StepDownCommand.Create(context),
        StatusCommand.Create(context, hosted),
        PasswordsCommand.Create(context),
    };
}
