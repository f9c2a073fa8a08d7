using System.Text.Json;
using Sidecars.Core.Failover.Watch;
using Sidecars.Core.Primitives;
using Sidecars.Core.Probing;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Core.Failover.Fencing;

/// <summary>What does not change while the fence is kept.</summary>
/// <param name="Address">Announced address of the server.</param>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="RedisCount">Configured number.</param>
/// <param name="MinReplicas"><c>min-replicas-to-write</c> in normal running.</param>
/// <param name="MaxLag"><c>min-replicas-max-lag</c>, seconds, more than 0.</param>
/// <param name="Patience">Down-after less one second.</param>
/// <param name="Period">Between two looks while nothing changes; 1 s.</param>
/// <param name="DryRun">Decide and say, do nothing.</param>
public sealed record FenceSettings(RedisEndpoint Address, int SentinelCount, int RedisCount, long MinReplicas, long MaxLag, TimeSpan Patience, TimeSpan Period, bool DryRun);

/// <summary>Gathers, decides, sets the fence of the server beside this process. Rules: <see cref="FencePolicy"/>.</summary>
/// <param name="settings">See there.</param>
/// <param name="server">The server.</param>
/// <param name="own">Sets its values.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="nodes">Asks another node, or this one at its announced address.</param>
/// <param name="superseded">Who is known to hold a higher token; null: nobody.</param>
/// <param name="firstEpoch">Epoch of the marker where that says master; null: none.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
public sealed class FenceLoop(
    FenceSettings settings, OwnServerWatch server, OwnServerClient own, SentinelWatch sentinels, NodeClient nodes, Func<string?> superseded, Func<long?> firstEpoch, IDecisionSink sink, TimeProvider time)
{
    // An address that leads to another process is rare, and asking costs a connection.
    private static readonly TimeSpan IdentityPeriod = TimeSpan.FromSeconds(5);

    private readonly Stopwatch _contradicted = new(time);
    private readonly Stopwatch _isolated = new(time);
    private readonly Stopwatch _impostor = new(time);
    private long? _identityAt;
    private (string RunId, long? Epoch) _confirmed = ("", null);
    private (long? Value, long Since) _value;

    /// <summary>True while the server is fenced, as last seen.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>True where another process was found at the announced address, as last seen.</summary>
    public bool HasImpostor => _impostor.Elapsed > TimeSpan.Zero;

    /// <summary>Keeps it until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = Task.WhenAny(server.Changed.Next, sentinels.Changed.Next);
            await RoundAsync(cancellation).ConfigureAwait(false);
            await Broadcast.WaitAsync(next, settings.Period, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Decides once, and acts.</summary>
    public async Task<FenceDecision> RoundAsync(CancellationToken cancellation)
    {
        var facts = await GatherAsync(cancellation).ConfigureAwait(false);
        var decision = FencePolicy.Decide(facts);
        IsFenced = facts.Server is OwnServer.Answers { IsMaster: true, MinReplicas: { } value } && WriteFence.IsFenced(value);
        sink.Decided("fence", decision.Code, decision.Reason, decision is FenceDecision.Keep { Code: "value-unknown" or "fenced-unconfirmed" or "open-unconfirmed" or "step-down-unconfirmed" },
            () => JsonSerializer.Serialize(facts, FailoverJson.Default.FenceFacts));
        if (decision is FenceDecision.Keep || settings.DryRun || facts.Server is not OwnServer.Answers answers) return decision;
        var isFence = decision is FenceDecision.Fence;
        var failure = await own.SetFenceAsync(answers.RunId, isFence ? WriteFence.MinReplicas : settings.MinReplicas, settings.MaxLag, cutClients: isFence, cancellation).ConfigureAwait(false);
        sink.Acted("fence", isFence ? "fenced" : "lifted", decision.Reason, failure);
        await server.LookAsync(cancellation).ConfigureAwait(false);
        return decision;
    }

    private async Task<FenceFacts> GatherAsync(CancellationToken cancellation)
    {
        var quorum = QuorumFacts.Of(sentinels.Observe(), settings.SentinelCount);
        var look = server.Last;
        // A look from before a pause of this process proves nothing.
        if (server.AnsweredAgo > settings.Period * 2 && look is OwnServer.Answers) look = await server.LookAsync(cancellation).ConfigureAwait(false);
        var master = look is OwnServer.Answers { IsMaster: true } m ? m : null;
        await AskIdentityAsync(master, cancellation).ConfigureAwait(false);
        if (master is not null && _confirmed.RunId != master.RunId) _confirmed = (master.RunId, firstEpoch());
        if (master is not null && quorum.Named == settings.Address && (_confirmed.Epoch is null || quorum.Epoch > _confirmed.Epoch)) _confirmed.Epoch = quorum.Epoch;
        var value = (look as OwnServer.Answers)?.MinReplicas;
        if (value != _value.Value) _value = (value, time.GetTimestamp());
        return new FenceFacts
        {
            Server = look,
            Address = settings.Address,
            Quorum = quorum,
            RedisCount = settings.RedisCount,
            ConfiguredMinReplicas = settings.MinReplicas,
            Patience = settings.Patience,
            ContradictedFor = _contradicted.While(master is not null && quorum.HasMajority && quorum.Named != settings.Address),
            IsolatedFor = _isolated.While(master is not null && !quorum.HasMajority && master.FreshReplicas < settings.RedisCount - 1),
            ImpostorFor = _impostor.Elapsed,
            NamedFollowsMe = master is not null && quorum.Named is { } named && named != settings.Address && await FollowsMeAsync(named, cancellation).ConfigureAwait(false),
            ConfirmedEpoch = master is null ? null : _confirmed.Epoch,
            Superseded = superseded(),
            ValueUnchangedFor = value is null ? TimeSpan.Zero : time.GetElapsedTime(_value.Since),
        };
    }

    private async Task<bool> FollowsMeAsync(RedisEndpoint named, CancellationToken cancellation) =>
        await nodes.ObserveAsync(named, cancellation).ConfigureAwait(false) is NodeObservation.Known { View: { Role: NodeRole.Replica } view } && view.MasterAddress == settings.Address;

    private async Task AskIdentityAsync(OwnServer.Answers? master, CancellationToken cancellation)
    {
        if (master is null)
        {
            _impostor.While(false);
            return;
        }

        var isDue = _identityAt is not { } at || time.GetElapsedTime(at) >= (HasImpostor ? settings.Period : IdentityPeriod);
        if (!isDue) return;
        var observation = await nodes.ObserveAsync(settings.Address, cancellation).ConfigureAwait(false);
        _identityAt = time.GetTimestamp();
        // Unreachable or unclear is no other process; and this server may have been replaced since it was looked at.
        if (observation is NodeObservation.Known known) _impostor.While(known.View.RunId != master.RunId && server.Last is OwnServer.Answers now && now.RunId == master.RunId);
    }

    /// <summary>How long something has been true without a break.</summary>
    private sealed class Stopwatch(TimeProvider time)
    {
        private long? _since;

        public TimeSpan Elapsed => _since is { } since ? Max(time.GetElapsedTime(since)) : TimeSpan.Zero;

        public TimeSpan While(bool isTrue)
        {
            _since = isTrue ? _since ?? time.GetTimestamp() : null;
            return Elapsed;
        }

        // Above zero from the first moment: zero means "not at all".
        private static TimeSpan Max(TimeSpan elapsed) => elapsed > TimeSpan.Zero ? elapsed : TimeSpan.FromTicks(1);
    }
}
