using System.Text.Json;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Fence;

/// <summary>What does not change while the fence is kept.</summary>
/// <param name="SentinelCount">Configured number.</param>
/// <param name="RedisCount">Configured number.</param>
/// <param name="MinReplicas"><c>min-replicas-to-write</c> in normal running.</param>
/// <param name="MaxLag"><c>min-replicas-max-lag</c>, seconds, more than 0.</param>
/// <param name="Patience">Down-after less one second.</param>
/// <param name="FailoverTimeout">Sentinel's: a failover that has not promoted by then is aborted by whoever runs it.</param>
/// <param name="Period">Between two looks while nothing changes; 1 s.</param>
/// <param name="DryRun">Decide and say, do nothing.</param>
public sealed record FenceSettings(int SentinelCount, int RedisCount, long MinReplicas, long MaxLag, TimeSpan Patience,
    TimeSpan FailoverTimeout, TimeSpan Period, bool DryRun);

/// <summary>Gathers, decides, sets the fence of the server beside this process. Rules: <see cref="FencePolicy"/>.</summary>
/// <param name="settings">Counts, values and times.</param>
/// <param name="server">The server.</param>
/// <param name="own">Sets its values.</param>
/// <param name="sentinels">The Sentinels.</param>
/// <param name="nodes">Asks another node, or this one at its announced address.</param>
/// <param name="superseded">Who is known to hold a higher token; null: nobody.</param>
/// <param name="firstEpoch">Epoch of the marker where that says master; null: none.</param>
/// <param name="givenUp">The note that this server gives up for another; null: there is none.</param>
/// <param name="sink">Decisions.</param>
/// <param name="time">Its clock.</param>
/// <param name="isStranger">Whether an address is known to be no node's and to have been no replica's; null: nothing is known.</param>
public sealed class FenceLoop(
    FenceSettings settings, IOwnServerNotes server, OwnServerClient own, ISentinelViews sentinels, NodeClient nodes,
    Func<string?> superseded, Func<long?> firstEpoch,
    Func<GivenUp?> givenUp, IDecisionSink sink, TimeProvider time, Func<RedisEndpoint, bool>? isStranger = null)
{
    // An address that leads to another process is rare, and asking costs a connection.
    private static readonly TimeSpan IdentityPeriod = TimeSpan.FromSeconds(5);

    // A round waits for a period, and may run into the deadlines of two questions.
    private static readonly TimeSpan Asleep = TimeSpan.FromSeconds(5);

    // While a fence is due and not set, the next try is never far from the server's waking: a stopped one lets a try run into its
    // deadlines.
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(50);

    // One that refuses at once (maxclients, the login) is alive, and three connections a try are no help to it.
    private static readonly BackoffSchedule Refused = new(TryAgain, TimeSpan.FromMilliseconds(500));

    private readonly Stopwatch _contradicted = new(time);
    private readonly Stopwatch _confirming = new(time);
    private readonly Stopwatch _impostor = new(time);
    private readonly Stopwatch _ledAway = new(time);
    private (string RunId, long? Epoch) _confirmed = ("", null);
    private (long? Value, long Since) _value;
    private string? _fencedRun;
    private (Replacement By, long At)? _replacement;
    private long _heardAt = time.GetTimestamp();
    private long _decidedAt = time.GetTimestamp();
    private int _refusals;

    /// <summary>True while the server is fenced, as last seen.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>Keeps it until it is cancelled.</summary>
    /// <remarks>Two loops, since a question to an address may take seconds, in which a fence may fall due.</remarks>
    public Task RunAsync(CancellationToken cancellation) => SideBySide.RunAsync(cancellation, KeepAsync, WatchIdentityAsync);

    /// <summary>Decides once, and acts.</summary>
    public async Task<FenceDecision> RoundAsync(CancellationToken cancellation) =>
        (await DecideAsync(cancellation).ConfigureAwait(false)).Decision;

    private async Task KeepAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = new SignalTicket(server.Changed, sentinels.Changed);
            var began = time.GetTimestamp();
            var (facts, _, isDone) = await DecideAsync(cancellation).ConfigureAwait(false);
            var isRefused = !isDone && time.GetElapsedTime(began) < TryAgain;
            _refusals = isRefused ? _refusals + 1 : 0;
            await next.WaitAsync(isDone ? Pause(facts) : isRefused ? Refused.DelayAfter(_refusals - 1, 1) : TryAgain, time,
                cancellation).ConfigureAwait(false);
        }
    }

    private async Task<(FenceFacts Facts, FenceDecision Decision, bool IsDone)> DecideAsync(CancellationToken cancellation)
    {
        var facts = await GatherAsync(cancellation).ConfigureAwait(false);
        var decision = FencePolicy.Decide(facts);
        IsFenced = facts.Server is OwnServer.Answers { IsMaster: true, MinReplicas: { } value } && WriteFence.IsFenced(value);
        sink.Decided(
            "fence", decision.Code, decision.Reason, decision is FenceDecision.Refuse,
            () => JsonSerializer.Serialize(facts, FenceJson.Default.FenceFacts));
        if (settings.DryRun || decision is FenceDecision.Keep or FenceDecision.Refuse) return (facts, decision, true);
        var failure = decision switch
        {
            FenceDecision.Fence => await own.FenceAsync(WriteFence.MinReplicas, settings.MaxLag, cancellation).ConfigureAwait(false),
            _ when facts.Server is OwnServer.Answers answers =>
                await own.LiftAsync(answers.RunId, settings.MinReplicas, settings.MaxLag, cancellation).ConfigureAwait(false),
            _ => "it does not answer",
        };
        if (failure is null)
            _fencedRun = decision is FenceDecision.Fence ? (facts.Server as OwnServer.Answers ?? server.LastAnswer)?.RunId : null;
        sink.Acted("fence", decision is FenceDecision.Fence ? "fenced" : "lifted", decision.Reason, failure);
        await server.LookAsync(cancellation).ConfigureAwait(false);
        return (facts, decision, failure is null);
    }

    // Patience ends when it ends, not with the next look.
    private TimeSpan Pause(FenceFacts facts)
    {
        var left = settings.Patience - (facts.IsolatedFor > TimeSpan.Zero ? facts.IsolatedFor : facts.ContradictedFor);
        return left < settings.Period && left > TimeSpan.Zero ? left : settings.Period;
    }

    private async Task<FenceFacts> GatherAsync(CancellationToken cancellation)
    {
        var look = server.Last;
        // A look from before a pause of this process proves nothing.
        if (server.AnsweredAgo > settings.Period * 2 && look is OwnServer.Answers)
            look = await server.LookAsync(cancellation).ConfigureAwait(false);
        var seen = sentinels.Observe();
        var quorum = QuorumFacts.Of(seen, settings.SentinelCount);
        var address = server.Address;
        var master = look is OwnServer.Answers { IsMaster: true } m ? m : null;
        var wasMaster = look is OwnServer.Silent && server.LastAnswer is { IsMaster: true };
        if (master is not null && _confirmed.RunId != master.RunId) _confirmed = (master.RunId, firstEpoch());
        if (master is not null && address is not null && quorum.Named == address
            && (_confirmed.Epoch is null || quorum.Epoch > _confirmed.Epoch))
            _confirmed.Epoch = quorum.Epoch;
        var value = (look as OwnServer.Answers)?.MinReplicas;
        if (value != _value.Value) _value = (value, time.GetTimestamp());
        var isMaster = master is not null || wasMaster;
        if (!isMaster) _replacement = null;
        var replacement = isMaster && address is not null ? Follow(seen, address) : null;
        var doubt = master is null || address is null ? null : Replacement.Doubt(seen, address);
        var ledAwayFor = _ledAway.While(isMaster && quorum.Named is { } other && other != address && isStranger?.Invoke(other) == true);
        var isIsolated = NoteContact(master, wasMaster, quorum);
        return new FenceFacts
        {
            Server = look,
            Address = address,
            Quorum = quorum,
            RedisCount = settings.RedisCount,
            ConfiguredMinReplicas = settings.MinReplicas,
            Patience = settings.Patience,
            Replacement = replacement,
            Doubt = doubt,
            WasMaster = wasMaster,
            ConfirmedFor = _confirming.While(
                master is not null && address is not null && quorum.Named == address && doubt is null && replacement is null),
            ContradictedFor =
                _contradicted.While(master is not null && address is not null && quorum.HasMajority && quorum.Named != address),
            IsolatedFor = isIsolated ? time.GetElapsedTime(_heardAt) : TimeSpan.Zero,
            ImpostorFor = master is null ? TimeSpan.Zero : _impostor.Elapsed,
            // Asking takes a moment, in which nothing else is decided: not where the answer would not count.
            NamedFollowsMe = isMaster && replacement is null && address is not null && quorum.Named is { } named && named != address
                && await FollowsMeAsync(named, address, cancellation).ConfigureAwait(false),
            ConfirmedEpoch = isMaster ? _confirmed.Epoch : null,
            LedAwayFor = ledAwayFor is { Ticks: > 0 } ? ledAwayFor : null,
            Superseded = superseded(),
            FencedUnseen = value is null && master is not null && master.RunId == _fencedRun,
            GivenUp = value is null || WriteFence.IsFenced(value) || value == WriteFence.StepDown ? givenUp() : null,
            ValueUnchangedFor = value is null ? TimeSpan.Zero : time.GetElapsedTime(_value.Since),
        };
    }

    // Until its Sentinel says that it is over, or must have given up: one that can't be reached any more may have promoted.
    private Replacement? Follow(IReadOnlyCollection<SentinelObservation> seen, RedisEndpoint address)
    {
        if (Replacement.Find(seen, address) is { } now) _replacement = (now, time.GetTimestamp());
        else if (_replacement is { } before
            && (before.By.IsOver(seen, address) || time.GetElapsedTime(before.At) > settings.FailoverTimeout))
            _replacement = null;
        return _replacement?.By;
    }

    // Whether neither a majority nor all replicas are there; and when one of the two last was.
    private bool NoteContact(OwnServer.Answers? master, bool wasMaster, QuorumFacts quorum)
    {
        var now = time.GetTimestamp();
        if (master is null && !wasMaster) _heardAt = now;
        // This process was stopped: what it did not hear meanwhile it may hear within a look.
        if (time.GetElapsedTime(_decidedAt, now) > Asleep) NoteHeard(now, settings.Patience - settings.Period);
        _decidedAt = now;
        if (quorum.HasMajority && sentinels.AnsweredAgo(SentinelQuorumPolicy.Majority(settings.SentinelCount)) is { } ago)
            NoteHeard(now, ago);
        var isAttached = master?.FreshReplicas >= settings.RedisCount - 1;
        if (isAttached) NoteHeard(now, TimeSpan.FromSeconds(master!.ReplicaLag) + (server.AnsweredAgo ?? TimeSpan.Zero));
        return master is not null && !quorum.HasMajority && !isAttached;
    }

    private void NoteHeard(long now, TimeSpan ago) =>
        _heardAt = Math.Max(_heardAt, now - (long)(ago.TotalSeconds * time.TimestampFrequency));

    private async Task<bool> FollowsMeAsync(RedisEndpoint named, RedisEndpoint address, CancellationToken cancellation) =>
        await nodes.ObserveAsync(named, cancellation).ConfigureAwait(false)
            is NodeObservation.Known { View: { Role: NodeRole.Replica } view }
        && view.MasterAddress == address;

    private async Task WatchIdentityAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var next = server.Changed.Ticket();
            if (server.Last is OwnServer.Answers { IsMaster: true } master && server.Address is { } address)
            {
                var observation = await nodes.ObserveAsync(address, cancellation).ConfigureAwait(false);
                // Unreachable or unclear is no other process; and this server may have been replaced since it was looked at.
                if (observation is NodeObservation.Known known)
                    _impostor.While(known.View.RunId != master.RunId && server.Last is OwnServer.Answers now && now.RunId == master.RunId);
            }
            else
            {
                _impostor.While(false);
            }

            server.NoteImpostor(_impostor.Elapsed > TimeSpan.Zero);
            await next.WaitAsync(server.HasImpostor ? settings.Period : IdentityPeriod, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>How long something has been true without a break.</summary>
    private sealed class Stopwatch(TimeProvider time)
    {
        // One loop writes, others may read.
        private long _since = Never;
        private const long Never = long.MinValue;

        public TimeSpan Elapsed =>
            Volatile.Read(ref _since) is var since && since != Never ? Max(time.GetElapsedTime(since)) : TimeSpan.Zero;

        public TimeSpan While(bool isTrue)
        {
            if (!isTrue) Volatile.Write(ref _since, Never);
            else if (Volatile.Read(ref _since) == Never) Volatile.Write(ref _since, time.GetTimestamp());
            return Elapsed;
        }

        // Above zero from the first moment: zero means "not at all".
        private static TimeSpan Max(TimeSpan elapsed) => elapsed > TimeSpan.Zero ? elapsed : TimeSpan.FromTicks(1);
    }
}
