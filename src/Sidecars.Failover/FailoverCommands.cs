using System.CommandLine;
using System.CommandLine.Help;
using Sidecars.Core.Hosting;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Options;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Status;
using Sidecars.Telemetry;

namespace Sidecars.Failover;

/// <summary>The commands, each in a file of its own.</summary>
internal sealed class FailoverCommands(CommandContext context, HostedCode hosted)
{
    public const string ExitCodes =
        "Exit codes: 0 done, 1 failed or refused (the last line says why),\n2 wrong setting or argument, 130 SIGINT, 143 SIGTERM.";

    public RootCommand Root { get; } = Tree(context, hosted);

    private static RootCommand Tree(CommandContext context, HostedCode hosted)
    {
        var root = new RootCommand("redis-failover publishes the master of a group, fences an isolated one, and hands over.")
        {
            RunCommand.Create(context),
            StepDownCommand.Create(context),
            StatusCommand.Create(context, hosted),
            PasswordsCommand.Create(context),
        };
        root.Add(CompletionCommand.Create("redis-failover", () => root, context.Output, NeighborCompletions.All));
        return root;
    }

    /// <summary>Wraps the parser's own part of <c>--help</c>.</summary>
    /// <param name="width">Columns of the terminal.</param>
    public void WrapHelp(int width)
    {
        foreach (var option in Root.Options)
            if (option is HelpOption { Action: HelpAction help }) help.MaxWidth = width;
    }

    /// <summary>Lists the settings that a command reads, for its <c>--help</c>; for the root, all of them.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="width">Columns of the terminal.</param>
    public string SettingsHelp(string command, int width)
    {
        bool IsRead(SettingDescription setting) => command switch
        {
            "run" => setting.Section != FailoverOptions.StatusSection,
            "step-down" => setting.Section is not
                (FailoverOptions.RunSection or FailoverOptions.StatusSection or FailoverOptions.PublishSection),
            "status" => setting.Section is not (FailoverOptions.RunSection or SettingSections.Log),
            "passwords" => setting.Section is not (FailoverOptions.RunSection or FailoverOptions.StatusSection
                or FailoverOptions.PublishSection or SettingSections.Log),
            "completion" => false,
            _ => true,
        };
        var text = SettingHelp.Of(context.Settings.Settings.Concat(context.Publishing.Settings).Where(IsRead), width);
        return text.Length == 0 ? "" : $"Settings (environment):\n{text}\n";
    }
}
