using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Bootstrap.Server;
using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Sentinels;

/// <summary>What a Sentinel is to monitor, and as whom.</summary>
/// <param name="Monitor">The master and its epoch.</param>
/// <param name="Slot">Its identity; null: as it remembers, else Sentinel draws one.</param>
internal sealed record SentinelRole(MonitorDecision.Monitor Monitor, int? Slot);

/// <summary>Finds a Sentinel's identity and master.</summary>
internal sealed class SentinelStart(BootstrapOptions options, TimeProvider time, Random random) : IDisposable
{
    // A pod that waits for a slot waits for another pod's end: seconds in a rollout, hours on a dead node.
    private static readonly BackoffSchedule SlotPause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));

    private readonly KubernetesClient? _kubernetes =
        options.Group.Kubernetes is { } settings ? new KubernetesClient(settings.Config, time) : null;

    public async Task<SentinelRole> RunAsync(
        RedisEndpoint announce, SentinelMemory memory, RoundPacer pacer, DecisionReporter reporter, CancellationToken cancellation)
    {
        var clients = new GroupClients(options, time);
        var roles = new SentinelRoleLoop(clients.Observer, announce, options.Group.RedisCount, options.Group.SentinelCount, memory.Master,
            clients.Connections.OpenEpochs(_kubernetes), reporter, pacer);
        // A number that a person gave stands, and needs no table.
        if (options.SentinelSlot is not null || options.Group.Kubernetes is not { } settings)
            return new SentinelRole(await roles.RunAsync(cancellation).ConfigureAwait(false), options.SentinelSlot);

        var ids = new SentinelIdClient(clients.Connections.Transport, clients.Connections.AsSidecar, clients.Connections.AsSentinel);
        var slots = new SlotLoop(
            new SlotClient(_kubernetes!, new SlotTableStore(_kubernetes!, options.Group.Cluster, settings.LeaseName), ids, LivingAsync,
                options.Group.Cluster, options.Group.SentinelCount, time),
            new SlotClaimant(settings.PodUid, settings.PodName, announce),
            new SlotMemory(options.Group.ConfigDirectory),
            reporter,
            new RoundPacer(SlotPause, time, random),
            time);
        while (true)
        {
            // The slot last, at the moment of the start: a pod that held one while it waited for a master would not answer at
            // its address, and that is how others tell that a slot is free.
            var monitor = await roles.RunAsync(cancellation).ConfigureAwait(false);
            var grant = await slots.RunAsync(cancellation).ConfigureAwait(false);
            if (grant.AtOnce) return new SentinelRole(monitor, grant.Slot);
        }

        async Task<LivingSentinels> LivingAsync(CancellationToken ct) =>
            LivingSentinels.Of(
                (await clients.Observer.ObserveAsync(exceptSentinel: announce, exceptNode: null, ct).ConfigureAwait(false)).Sentinels);
    }

    public void Dispose() => _kubernetes?.Dispose();
}
