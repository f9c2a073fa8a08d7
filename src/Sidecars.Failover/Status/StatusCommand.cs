using System.CommandLine;
using Sidecars.Core.Hosting;
using Sidecars.Failover.Options;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Status;

/// <summary><c>status</c>: the group at a glance; 0 where everything agrees, 1 where something does not.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2); // Sentinels tell each other what is new every 2 s

    private const string Json = "json", Auto = "auto", Always = "always";

    public static Command Create(CommandContext context, HostedCode hosted)
    {
        var form = new Option<string>("--output") { Description = "table or json", DefaultValueFactory = _ => "table" };
        form.CompletionSources.Add("table", Json);
        form.Validators.Add(given =>
        {
            if (CommandMistakes.OneOf("--output", given.GetValueOrDefault<string>(), "table", Json) is { } why) given.AddError(why);
        });
        var color = new Option<string>("--color")
        { Description = "auto (on a terminal, unless NO_COLOR is set), always or never", DefaultValueFactory = _ => Auto };
        color.CompletionSources.Add(Auto, Always, "never");
        color.Validators.Add(given =>
        {
            if (CommandMistakes.OneOf("--color", given.GetValueOrDefault<string>(), Auto, Always, "never") is { } why) given.AddError(why);
        });
        var watch = new Option<bool>("--watch")
        { Description = "again every 2s until SIGINT or SIGTERM, on a terminal in place; json: one object a line" };
        var explain = new Option<string?>("--explain")
        {
            Description = "instead: take decisions again, each from its snapshot: those that CONFIG_DIR keeps (a folder), of a file, "
                + "or of standard input (-)"
        };
        var command = new Command(
            "status", "The group at a glance, and every disagreement with what to do. Exit 0: all agree; 1: something does not.")
        { form, color, watch, explain };
        command.SetAction((parsed, _) => parsed.GetValue(explain) is { } file
            ? ExplainAsync(context, hosted, file)
            : context.WithAsync(options => ShowAsync(
                context, hosted, options, parsed.GetRequiredValue(form) == Json, parsed.GetRequiredValue(color), parsed.GetValue(watch))));
        return command;
    }

    /// <summary>Looks and shows, once or until it is cancelled.</summary>
    public static async Task<int> RunAsync(
        Func<CancellationToken, Task<StatusSnapshot>> gather, StatusScreen screen, bool isWatch, TimeProvider time,
        CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var report = StatusPolicy.Decide(await gather(cancellation).ConfigureAwait(false));
                if (!isWatch)
                {
                    await screen.OnceAsync(report).ConfigureAwait(false);
                    return report.IsHealthy ? ExitCode.Ok : ExitCode.Failed;
                }

                await screen.NextAsync(report).ConfigureAwait(false);
                await Task.Delay(Period, time, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            await screen.EndAsync().ConfigureAwait(false);
        }
    }

    private static async Task<int> ShowAsync(
        CommandContext context, HostedCode hosted, FailoverOptions options, bool asJson, string color, bool isWatch)
    {
        var isTerminal = !Console.IsOutputRedirected;
        var paint = new Paint(color == Always || (color == Auto && isTerminal && options.Colors));
        var screen = new StatusScreen(
            context.Output, () => isTerminal ? new TerminalSize(Console.WindowWidth, Console.WindowHeight) : null, asJson, paint);
        using var gatherer = new StatusGatherer(options, hosted.Backups, TimeProvider.System);
        return await RunAsync(gatherer.GatherAsync, screen, isWatch, TimeProvider.System, context.Signals.Token).ConfigureAwait(false);
    }

    // Lines that are no decisions are passed over, since a log has many; a file without any is a mistake.
    private static async Task<int> ExplainAsync(CommandContext context, HostedCode hosted, string file)
    {
        var (replayed, different) = (0, 0);
        var why = "it has no line";
        await foreach (var line in DecisionFile.ReadAsync(file, context.Signals.Token).ConfigureAwait(false))
        {
            switch (DecisionReplay.Replay(line, hosted.Bootstrap))
            {
                case ReplayOutcome.Unreadable unreadable:
                    why = unreadable.Why;
                    break;
                case ReplayOutcome.Replayed one:
                    replayed++;
                    if (!one.IsSame) different++;
                    await context.Output.WriteLineAsync(one.IsSame
                        ? $"same: {one.Policy} {one.Code}: {one.Reason}"
                        : $"different: {one.Policy} decided {one.Logged}, and decides {one.Code} now: {one.Reason}").ConfigureAwait(false);
                    break;
            }
        }

        await context.Output.FlushAsync().ConfigureAwait(false);
        if (replayed == 0)
            await context.Error.WriteLineAsync($"{file} has no decision that can be taken again: {why}").ConfigureAwait(false);
        return replayed > 0 && different == 0 ? ExitCode.Ok : ExitCode.Failed;
    }
}
