using System.CommandLine;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Options;
using Sidecars.Failover.Watch;
using Sidecars.Telemetry;

namespace Sidecars.Failover.Passwords;

/// <summary><c>passwords</c>: fingerprints of the files, and whether a rotation has come to rest. Changes nothing.</summary>
internal static class PasswordsCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("passwords",
            "Fingerprints of this node's password files, and what a rotation waits for; exit code 0 where nothing is due, else 1. "
            + "Changes nothing.");
        command.SetAction((_, cancellation) => context.WithAsync(options => RunAsync(context, options, cancellation)));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, FailoverOptions options, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, context.Signals.Token);
        var group = options.Group;
        var connections = new GroupConnections(group, TimeProvider.System);
        var (address, why) = await AnnounceAddress.FindAsync(
            group.AnnounceHost, group.AnnouncePort, group.ConnectTimeout, TimeProvider.System, either.Token).ConfigureAwait(false);
        if (address is null)
        {
            await context.Error.WriteLineAsync(why).ConfigureAwait(false);
            return ExitCode.Failed;
        }

        var loop = PasswordWiring.Loop(
            options, () => address, connections, QuorumAsync, new NoSink(), new MetricSet(), TimeProvider.System, isReadOnly: true);
        var decision = await loop.LookAsync(either.Token).ConfigureAwait(false);
        foreach (var (secret, current, previous) in loop.Fingerprints)
            await context.Output.WriteLineAsync(
                previous.Length == 0 ? $"{secret} {current}" : $"{secret} {current} previous {previous}").ConfigureAwait(false);
        await context.Output.WriteLineAsync($"{decision.Code}: {decision.Reason}").ConfigureAwait(false);
        return decision is PasswordDecision.Keep ? ExitCode.Ok : ExitCode.Failed;

        async Task<QuorumFacts> QuorumAsync(CancellationToken ct)
        {
            var resolved = await EndpointResolver.ResolveAsync(
                group.SentinelHosts, group.ConnectTimeout, TimeProvider.System, ct).ConfigureAwait(false);
            return QuorumFacts.Of(
                await Task.WhenAll(resolved.Endpoints.Select(e => connections.Sentinels.ObserveAsync(e, ct))).ConfigureAwait(false),
                group.SentinelCount);
        }
    }

    private sealed class NoSink : IDecisionSink
    {
        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot)
        {
            // One decision, which is printed.
        }

        public void Acted(string loop, string code, string detail, string? failure)
        {
            // It does not act.
        }
    }
}
