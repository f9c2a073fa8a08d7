using Sidecars.Bootstrap.Backends;
using Sidecars.Bootstrap.Configuration;
using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Redis;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Bootstrap.Sentinels;
using Sidecars.Bootstrap.Server;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap;

/// <summary>From options to a running server: address, role, files, <c>execve</c>.</summary>
/// <param name="options">Every setting.</param>
/// <param name="log">Takes lines without waiting.</param>
/// <param name="drain">Has them written before the server takes the place of this process, within a bound.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">For jitter.</param>
internal sealed class BootstrapRunner(BootstrapOptions options, JsonLineLog log, Func<bool> drain, TimeProvider time, Random random)
{
    /// <summary>First pause between two looks: an election among nodes that start together is over after two or three of them.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private readonly ServerFiles _files = new(options);

    /// <summary>Becomes the server; returns only where that is not to be: the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var alone = new InstanceGuard(options, log, time);
        if (!await alone.ClaimAsync(cancellation).ConfigureAwait(false)) return ExitCode.Failed;
        if (CheckSurroundings() is { } missing) return missing;
        if (CheckBase() is { } wrong) return wrong;
        var heartbeat = new HeartbeatFile(Path.Combine(options.Group.ConfigDirectory, HeartbeatFile.Name), "redis-bootstrap", time);
        var reporter = new DecisionReporter(log, heartbeat);
        using var deadline = options.WaitDeadline is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var refresh = heartbeat.RefreshAsync(reporter.HeartbeatFailed, either.Token);
        try
        {
            var pacer = new RoundPacer(new BackoffSchedule(FirstPause, options.RetryMax), time, random);
            var announce = await FindAnnounceAddressAsync(pacer, reporter, either.Token).ConfigureAwait(false);
            return options.Mode == ServerMode.Redis
                ? await StartRedisAsync(announce, alone, pacer, reporter, either.Token).ConfigureAwait(false)
                : await StartSentinelAsync(announce, pacer, reporter, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            log.Info(
                "stopped", cancellation.IsCancellationRequested ? "a signal ended the wait" : "WAIT_DEADLINE passed without a role");
            return ExitCode.Failed; // Main turns a signal into 130 or 143
        }
        finally
        {
            await either.CancelAsync().ConfigureAwait(false);
            await refresh.ConfigureAwait(false);
        }
    }

    // What the start needs at its end is looked for before the wait, not after it.
    private int? CheckSurroundings()
    {
        List<string> problems = [.. options.Group.DirectoryProblems(needsData: options.Mode == ServerMode.Redis)];
        var binary = ProcessReplacer.FindProblem(options.ServerBinary);
        if (binary is not null)
            problems.Add($"{(options.Mode == ServerMode.Redis ? "REDIS_SERVER_BIN" : "REDIS_SENTINEL_BIN")} is '{options.ServerBinary}': "
                + $"{binary.Reason}; it must be the server's path, or its name in PATH");
        // Needed after a total loss only, so it is no reason not to start; but that is a bad time to find out.
        var needsRestore = options is { Mode: ServerMode.Redis, RestoreOnEmpty: true };
        if (needsRestore && ProcessReplacer.FindProblem(options.RestoreCommand) is { } command)
            log.Warning("setting", $"RESTORE_COMMAND is '{options.RestoreCommand}': {command.Reason}; "
                + "RESTORE_ON_EMPTY needs redis-backup, by its path or its name in PATH");
        foreach (var problem in problems) log.Error("wrong-configuration", problem);
        return problems.Count == 0 ? null : binary is not null && problems.Count == 1 ? binary.ExitCode : ExitCode.WrongConfiguration;
    }

    // A mistake in the base file is found before the wait, not after it.
    private int? CheckBase()
    {
        var here = new RedisEndpoint("127.0.0.1", options.Group.AnnouncePort);
        var plan = options.Mode == ServerMode.Redis
            ? _files.PlanRedis(here, null)
            : _files.PlanSentinel(here, new MonitorDecision.Monitor(here, 0, [], "", ""), SentinelMemory.None, options.SentinelSlot);
        foreach (var problem in plan.Problems) log.Error("wrong-configuration", problem);
        if (plan.Overruled.Count > 0)
            log.Info("settings-overruled", $"the base file's {string.Join(", ", plan.Overruled)} give way to what is decided here");
        return plan.Problems.Count > 0 ? ExitCode.WrongConfiguration : null;
    }

    private async Task<RedisEndpoint> FindAnnounceAddressAsync(RoundPacer pacer, DecisionReporter reporter, CancellationToken cancellation)
    {
        var group = options.Group;
        // A Sentinel keeps no marker: its identity is a slot, and its peers follow it to a new address.
        var remembered = options.Mode == ServerMode.Redis ? DataGuard.LastAnnounced(options) : null;
        var started = time.GetTimestamp();
        while (true)
        {
            var (resolved, why) = await AnnounceAddress.ResolveAsync(
                group.AnnounceHost, group.AnnouncePort, group.ConnectTimeout, time, cancellation).ConfigureAwait(false);
            var decision =
                AnnouncePolicy.Decide(new AnnounceFacts(group.AnnounceHost, resolved, why, time.GetElapsedTime(started), remembered,
                    [.. resolved.Where(AnnounceAddress.IsOwn)], group.InCluster && options.Mode == ServerMode.Redis));
            if (decision is AnnounceDecision.Use use)
            {
                log.Write(use.IsDoubtful ? LogLevel.Warning : LogLevel.Info, use.Code, use.Reason,
                    LogField.Of("address", use.Address.ToString()));
                return use.Address;
            }

            var changed = reporter.Waiting(decision.Code, decision.Reason, group.AnnounceHost ?? "an address", isDoubtful: true);
            await pacer.WaitAsync(changed, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<int> StartRedisAsync(
        RedisEndpoint announce, InstanceGuard alone, RoundPacer pacer, DecisionReporter reporter, CancellationToken cancellation)
    {
        var clients = new GroupClients(options, time);
        using var election = ElectionBackends.Open(options, announce, time);
        var layout = _files.Layout();
        var data = new DataGuard(options, announce, layout, log, time);
        await WaitForOwnVolumeAsync(data, pacer, reporter, cancellation).ConfigureAwait(false);
        var settings = new RedisRoleSettings(options.Group.RedisCount, options.Group.SentinelCount, options.Group.Durability,
            options.LastMasterWait, options.UncleanElectionAfter, options.RestoreOnEmpty);
        await using var restore = new BackupRestore(options.RestoreCommand, options.Group.DataDirectory, time);
        var loop = new RedisRoleLoop(clients.Observer, clients.Sentinels, clients.Leadership, clients.Succession, election, data, restore,
            settings, reporter, pacer, time);
        var start = await loop.RunAsync(cancellation).ConfigureAwait(false);
        await restore.DisposeAsync().ConfigureAwait(false); // not by its scope: what follows becomes the server
        if (options.Group.Durability != Durability.None) data.WriteFirstMarker(start);
        (election as LeaderElectorBackend)?.Consume();
        return Become(
            _files.PlanRedis(announce, start.Follow), [start.Elected ? election.InheritedDescriptor : null, alone.InheritedDescriptor]);
    }

    // A volume of another tenant: neither to be served here nor to be overwritten by this group's master.
    private async Task WaitForOwnVolumeAsync(DataGuard data, RoundPacer pacer, DecisionReporter reporter, CancellationToken cancellation)
    {
        while (data.ForeignOwner() is { } owner)
        {
            var changed = reporter.Waiting("volume-of-another-tenant",
                $"the marker in {options.Group.DataDirectory} says that these are the data of {owner}, and this is {options.Group.Cluster}",
                "its own volume, or a person who removes .sidecar from this one", isDoubtful: true);
            await pacer.WaitAsync(changed, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<int> StartSentinelAsync(
        RedisEndpoint announce, RoundPacer pacer, DecisionReporter reporter, CancellationToken cancellation)
    {
        var memory = _files.Remember();
        using var start = new SentinelStart(options, time, random);
        var role = await start.RunAsync(announce, memory, pacer, reporter, cancellation).ConfigureAwait(false);
        return Become(_files.PlanSentinel(announce, role.Monitor, memory, role.Slot), []);
    }

    private int Become(ServerPlan plan, int?[] inherited)
    {
        _files.Write(plan);
        log.Info("starting", $"{options.ServerBinary} {_files.Path}");
        // The heartbeat stays: it covers the moment until the server listens, and then goes stale.
        int[] inherit = [.. inherited.OfType<int>()];
        drain(); // execve ends the thread that writes; a reader that is away does not hold up the server
        var failure = ProcessReplacer.Replace(options.ServerBinary, [_files.Path, .. options.ServerArguments], environment: null, inherit);
        log.Error("not-started", failure.ToString());
        return failure.ExitCode;
    }
}
