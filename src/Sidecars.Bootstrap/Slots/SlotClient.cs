using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Slots;

/// <summary>A pod that wants a Sentinel slot.</summary>
/// <param name="PodUid">Its UID.</param>
/// <param name="PodName">Its name.</param>
/// <param name="Address">
/// Where its Sentinel will answer: the pod's own address, which leads to its process for as long as that lives.
/// </param>
public sealed record SlotClaimant(string PodUid, string PodName, RedisEndpoint Address);

/// <summary>The outcome of one try to get a slot. Closed.</summary>
public abstract record SlotOutcome
{
    private SlotOutcome(string reason) => Reason = reason;

    /// <summary>Why, in words.</summary>
    public string Reason { get; }

    /// <summary>The slot is ours.</summary>
    /// <param name="Slot">Its number.</param>
    /// <param name="Code">Stable: <c>slot-claimed</c>, <c>slot-kept</c>, or <c>slot-remembered</c> where the table can't be read.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Held(int Slot, string Code, string Reason) : SlotOutcome(Reason);

    /// <summary>Try again.</summary>
    /// <param name="Code">Stable: <c>slot-taken</c>, <c>slot-contended</c>, <c>slot-table-unavailable</c>.</param>
    /// <param name="Reason">What is missing.</param>
    /// <param name="AtLeast">Not before this; null: as the caller likes.</param>
    public sealed record Waiting(string Code, string Reason, TimeSpan? AtLeast) : SlotOutcome(Reason);
}

/// <summary>
/// Claims a Sentinel slot: reads the table, gathers what is known of the holders, lets <see cref="SlotPolicy"/> decide, and
/// writes by compare-and-swap. One instance watches heartbeats from its first try on; not safe for concurrent use.
/// </summary>
/// <param name="client">The API server, for pods.</param>
/// <param name="store">The table.</param>
/// <param name="addresses">Asks an old address who lives there.</param>
/// <param name="living">The Sentinels that are alive; asked only where a slot is to be claimed.</param>
/// <param name="cluster">The tenant.</param>
/// <param name="slotCount">How many Sentinels there should be.</param>
/// <param name="time">The clock of the heartbeats.</param>
public sealed class SlotClient(
    KubernetesClient client,
    SlotTableStore store,
    SentinelIdClient addresses,
    Func<CancellationToken, Task<LivingSentinels>> living,
    ClusterId cluster,
    int slotCount,
    TimeProvider time)
{
    /// <summary>
    /// How long the holder's heartbeat must not have changed where its pod is only being deleted: the usual grace period of a
    /// pod, after which kubelet has killed its containers if kubelet lives.
    /// </summary>
    public static readonly TimeSpan StillAfter = TimeSpan.FromSeconds(30);

    private readonly SlotHeartbeats _heartbeats = new(time.TimestampFrequency, StillAfter);

    /// <summary>Tries once.</summary>
    /// <param name="me">This pod.</param>
    /// <param name="remembered">The slot that this same pod ran with before its container was restarted; null where there is none.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<SlotOutcome> TryAsync(SlotClaimant me, int? remembered, CancellationToken cancellation)
    {
        switch (await store.ReadAsync(cancellation).ConfigureAwait(false))
        {
            case StoreRead<SlotSnapshot>.Found found:
                return await TryAsync(found.Value, found.Value.Table, me, remembered, cancellation).ConfigureAwait(false);
            case StoreRead<SlotSnapshot>.Missing:
                return await TryAsync(null, SlotTable.Empty, me, remembered, cancellation).ConfigureAwait(false);
            case StoreRead<SlotSnapshot>.Invalid invalid: return NoTable(invalid.Fault.ToString(), null, remembered);
            case StoreRead<SlotSnapshot>.Unavailable no: return NoTable(no.Failure.Message, no.Failure.AskedToWait, remembered);
            case var other: throw new InvalidOperationException($"unknown outcome {other}");
        }
    }

    private async Task<SlotOutcome> TryAsync(
        SlotSnapshot? basis, SlotTable table, SlotClaimant me, int? remembered, CancellationToken cancellation)
    {
        var trends = _heartbeats.Observe(table, time.GetTimestamp());
        var mine = table.SlotOf(me.PodUid) is not null;
        var facts = mine ? new Dictionary<int, SlotFacts>() : await GatherAsync(table, trends, cancellation).ConfigureAwait(false);
        var decision = Decide(mine ? null : remembered);
        // Nothing runs under the remembered id any more, so that a slot that was given away is no reason to stop.
        if (decision is SlotDecision.Yield) decision = Decide(remembered = null);
        return decision switch
        {
            SlotDecision.Claim claim => await ClaimAsync(basis, claim, remembered, cancellation).ConfigureAwait(false),
            SlotDecision.Keep keep => await KeepAsync(basis, keep, cancellation).ConfigureAwait(false),
            _ => new SlotOutcome.Waiting("slot-taken", decision.Reason, null),
        };

        SlotDecision Decide(int? runningAs) => SlotPolicy.Decide(table, me.PodUid, me.PodName, me.Address, slotCount, facts, runningAs);
    }

    private async Task<SlotOutcome> ClaimAsync(
        SlotSnapshot? basis, SlotDecision.Claim claim, int? remembered, CancellationToken cancellation) =>
        await store.WriteAsync(basis, claim.Next, cancellation).ConfigureAwait(false) switch
        {
            StoreWrite<SlotTable>.Written => new SlotOutcome.Held(claim.Slot, "slot-claimed", claim.Reason),
            StoreWrite<SlotTable>.Lost => new SlotOutcome.Waiting("slot-contended", "another pod has changed the table meanwhile", null),
            StoreWrite<SlotTable>.NotWritten no => NoTable(no.Failure.Message, no.Failure.AskedToWait, remembered),
            // Perhaps ours: the next read says so by our UID, which nobody else writes.
            StoreWrite<SlotTable>.OutcomeUnknown unknown => NoTable(unknown.Failure.Message, unknown.Failure.AskedToWait, remembered),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };

    // The read has already shown that the slot is ours; the write tells others of this start.
    private async Task<SlotOutcome> KeepAsync(SlotSnapshot? basis, SlotDecision.Keep keep, CancellationToken cancellation) =>
        await store.WriteAsync(basis, keep.Next, cancellation).ConfigureAwait(false) is StoreWrite<SlotTable>.Lost
            ? new SlotOutcome.Waiting("slot-contended", "another pod has changed the table meanwhile", null)
            : new SlotOutcome.Held(keep.Slot, "slot-kept", keep.Reason);

    private async Task<Dictionary<int, SlotFacts>> GatherAsync(
        SlotTable table, IReadOnlyDictionary<int, HeartbeatTrend> trends, CancellationToken cancellation)
    {
        var alive = await living(cancellation).ConfigureAwait(false);
        var facts = new SlotFacts?[slotCount];
        var asked = new Task[slotCount];
        for (var slot = 0; slot < slotCount; slot++) asked[slot] = GatherAsync(table, trends, slot, alive, facts, cancellation);
        await Task.WhenAll(asked).ConfigureAwait(false);
        var known = new Dictionary<int, SlotFacts>();
        for (var slot = 0; slot < slotCount; slot++)
            if (facts[slot] is { } fact) known[slot] = fact;
        return known;
    }

    private async Task GatherAsync(
        SlotTable table, IReadOnlyDictionary<int, HeartbeatTrend> trends, int slot, LivingSentinels alive, SlotFacts?[] facts,
        CancellationToken cancellation)
    {
        var id = SlotTable.MyId(cluster, slot);
        if (!table.Claims.TryGetValue(slot, out var claim))
        {
            // The table was lost, perhaps: here the word of a peer is enough to leave a slot alone.
            facts[slot] = new SlotFacts(PodPresence.Unknown, HeartbeatTrend.Unknown,
                alive.Answering.Contains(id) || alive.Reported.Contains(id) ? AddressAnswer.ThisId : AddressAnswer.NotAsked);
            return;
        }

        var pod = SlotFacts.PresenceOf(await client.GetPodAsync(claim.PodName, cancellation).ConfigureAwait(false), claim);
        var answer = alive.Answering.Contains(id) ? AddressAnswer.ThisId
            : pod is PodPresence.Gone or PodPresence.Terminating
                ? SlotFacts.AnswerOf(await addresses.AskAsync(claim.Address, cancellation).ConfigureAwait(false), id)
                : AddressAnswer.NotAsked;
        facts[slot] = new SlotFacts(pod, trends[slot], answer);
    }

    // Unknown is not free: one id alive twice has elected two leaders, and a random id would stay as a ghost. The same pod's
    // own slot is another matter: nobody frees it while the pod is there.
    private static SlotOutcome NoTable(string why, TimeSpan? retryAfter, int? remembered) => remembered is { } slot
        ? new SlotOutcome.Held(slot, "slot-remembered", $"this pod ran with slot {slot} before; the table can't be asked: {why}")
        : new SlotOutcome.Waiting("slot-table-unavailable", $"no slot can be claimed: {why}", retryAfter);
}
