using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Slots;

/// <summary>What the API server says about the pod that has a slot.</summary>
public enum PodPresence
{
    /// <summary>Not asked, or no answer: frees nothing.</summary>
    Unknown,

    /// <summary>There, by name and UID, and not being deleted.</summary>
    Present,

    /// <summary>There, with a deletionTimestamp. On a dead node it stays so for ever.</summary>
    Terminating,

    /// <summary>
    /// Not found, or another UID has its name, or its phase is Succeeded or Failed: an evicted pod's object stays for a long
    /// time, and none of its containers is ever started again.
    /// </summary>
    Gone,
}

/// <summary>What was observed of a slot's heartbeat, see <see cref="SlotHeartbeats"/>.</summary>
public enum HeartbeatTrend
{
    /// <summary>Not watched for long enough.</summary>
    Unknown,

    /// <summary>Changed while we looked.</summary>
    Changing,

    /// <summary>Has not changed for the whole time that makes a heartbeat still.</summary>
    Still,
}

/// <summary>What answered a fresh connection to the slot's old address, asked with <c>SENTINEL MYID</c>.</summary>
public enum AddressAnswer
{
    /// <summary>Not asked yet, or no clear answer: frees nothing.</summary>
    NotAsked,

    /// <summary>A Sentinel with the slot's id: it is alive, whatever the API server says of its pod.</summary>
    ThisId,

    /// <summary>Something that has another id, or can't vote with us: the address was given to somebody else.</summary>
    OtherId,

    /// <summary>Nothing, on several new connections. A dead node looks like this, so it has to suffice.</summary>
    Silent,
}

/// <summary>The facts about one slot's holder.</summary>
/// <param name="Pod">Its pod.</param>
/// <param name="Heartbeat">Its heartbeat.</param>
/// <param name="Address">Its address.</param>
public sealed record SlotFacts(PodPresence Pod, HeartbeatTrend Heartbeat, AddressAnswer Address)
{
    /// <summary>What a read of the pod by its name says about the pod that holds a claim.</summary>
    public static PodPresence PresenceOf(KubernetesRead<PodDocument> read, SlotClaim claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return read switch
        {
            KubernetesRead<PodDocument>.Failed { Failure: KubernetesFailure.NotFound } => PodPresence.Gone,
            KubernetesRead<PodDocument>.Found found when found.Document.Metadata?.Uid != claim.PodUid => PodPresence.Gone,
            KubernetesRead<PodDocument>.Found { Document.Status.Phase: "Succeeded" or "Failed" } => PodPresence.Gone,
            KubernetesRead<PodDocument>.Found { Document.Metadata.DeletionTimestamp: not null } => PodPresence.Terminating,
            KubernetesRead<PodDocument>.Found => PodPresence.Present,
            _ => PodPresence.Unknown,
        };
    }

    /// <summary>What an answer from the slot's old address means for it.</summary>
    public static AddressAnswer AnswerOf(SentinelIdAnswer answer, string slotId) => answer switch
    {
        SentinelIdAnswer.Id id => id.MyId == slotId ? AddressAnswer.ThisId : AddressAnswer.OtherId,
        SentinelIdAnswer.Foreign => AddressAnswer.OtherId,
        SentinelIdAnswer.Silent => AddressAnswer.Silent,
        _ => AddressAnswer.NotAsked, // something is there: it may be the one
    };
}

/// <summary>What a starting or running Sentinel pod does about its slot.</summary>
public abstract record SlotDecision
{
    private SlotDecision(string reason) => Reason = reason;

    /// <summary>Why, for the log.</summary>
    public string Reason { get; }

    /// <summary>Write this table by compare-and-swap; the slot is ours once that is known to have succeeded.</summary>
    public sealed record Claim : SlotDecision
    {
        internal Claim(int slot, SlotTable next, string reason)
            : base(reason) => (Slot, Next) = (slot, next);

        /// <summary>The slot.</summary>
        public int Slot { get; }

        /// <summary>The table to write.</summary>
        public SlotTable Next { get; }
    }

    /// <summary>The slot is ours; writing <see cref="Next"/> is the heartbeat.</summary>
    public sealed record Keep : SlotDecision
    {
        internal Keep(int slot, SlotTable next)
            : base($"slot {slot} is ours") => (Slot, Next) = (slot, next);

        /// <summary>The slot.</summary>
        public int Slot { get; }

        /// <summary>The table with our heartbeat raised and our address as it is now.</summary>
        public SlotTable Next { get; }
    }

    /// <summary>
    /// Our Sentinel runs with the id of a slot that another pod now has: stop it, and start again with a slot of its own.
    /// </summary>
    public sealed record Yield : SlotDecision
    {
        internal Yield(string reason)
            : base(reason)
        {
        }
    }

    /// <summary>No slot is free; the reason names what each one lacks.</summary>
    public sealed record Wait : SlotDecision
    {
        internal Wait(string reason)
            : base(reason)
        {
        }
    }
}

/// <summary>
/// Who gets a Sentinel slot. A slot is free when its pod is gone, or is being deleted and has stopped its heartbeat, *and*
/// its old address no longer answers with its id: a force-deleted pod is gone in the API while its process may live on.
/// Unknown frees nothing. Pure.
/// </summary>
public static class SlotPolicy
{
    /// <summary>Decides for one pod.</summary>
    /// <param name="table">The table as it was just read; the write that follows is a compare-and-swap on it.</param>
    /// <param name="podUid">Our UID.</param>
    /// <param name="podName">Our name.</param>
    /// <param name="address">Where our Sentinel answers.</param>
    /// <param name="slotCount">How many Sentinels are configured, 1..<see cref="SlotTable.MaxSlots"/>.</param>
    /// <param name="facts">
    /// What is known by slot; a slot that is absent here is unknown. For a slot that nobody has, <see cref="SlotFacts.Address"/>
    /// tells whether any Sentinel that can be found answers with its id: a table may have been lost while they run.
    /// </param>
    /// <param name="runningAs">The slot whose id our Sentinel already runs with; null before it starts.</param>
    public static SlotDecision Decide(
        SlotTable table, string podUid, string podName, RedisEndpoint address, int slotCount, IReadOnlyDictionary<int, SlotFacts> facts,
        int? runningAs = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(facts);
        ArgumentOutOfRangeException.ThrowIfLessThan(slotCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slotCount, SlotTable.MaxSlots);
        if (table.SlotOf(podUid) is { } mine && (runningAs ?? mine) == mine)
            return new SlotDecision.Keep(mine, table.With(mine, new SlotClaim(podUid, podName, address, table.Claims[mine].Heartbeat + 1)));

        // A running Sentinel can't change its id: its slot is restored to a table that lost it, or it stops.
        if (runningAs is { } running)
        {
            return table.Claims.TryGetValue(running, out var other)
                ? new SlotDecision.Yield($"slot {running}, which we run with, is held by {other.PodName}")
                : Claimed(running, "we run with its id, and the table has lost it");
        }

        // Never held before held and freed: no peer has to be told of another address for the id.
        var reasons = new List<string>();
        for (var slot = 0; slot < slotCount; slot++)
        {
            if (table.Claims.ContainsKey(slot)) continue;
            if (facts.GetValueOrDefault(slot)?.Address != AddressAnswer.ThisId) return Claimed(slot, "nobody has it");
            reasons.Add($"slot {slot}: nobody has it, but a Sentinel answers with its id");
        }

        for (var slot = 0; slot < slotCount; slot++)
        {
            if (!table.Claims.ContainsKey(slot)) continue;
            var obstacle = Obstacle(facts.GetValueOrDefault(slot));
            if (obstacle is null) return Claimed(slot, $"{table.Claims[slot].PodName} is gone");
            reasons.Add($"slot {slot}: {table.Claims[slot].PodName} {obstacle}");
        }

        return new SlotDecision.Wait(string.Join("; ", reasons));

        SlotDecision.Claim Claimed(int slot, string why) =>
            new(slot, table.With(slot, new SlotClaim(podUid, podName, address, 0)), $"slot {slot} was free: {why}");
    }

    /// <summary>Why a slot is not free; null where it is.</summary>
    public static string? Obstacle(SlotFacts? facts) => facts switch
    {
        null or { Pod: PodPresence.Unknown } => "is not known to be gone",
        { Pod: PodPresence.Present } => "is present",
        { Pod: PodPresence.Terminating, Heartbeat: not HeartbeatTrend.Still } => "is being deleted, its heartbeat is not known to be still",
        { Address: AddressAnswer.NotAsked } => "left an address that is not known to be free",
        { Address: AddressAnswer.ThisId } => "still answers with this id",
        _ => null,
    };
}

/// <summary>
/// Watches the heartbeats of a table as <see cref="LeaseTracker"/> watches a Lease: by change, on the local monotonic
/// clock, with the timestamp passed in. Not safe for concurrent use.
/// </summary>
/// <param name="timestampFrequency">Timestamps a second.</param>
/// <param name="stillAfter">A heartbeat that has not changed for this long is still.</param>
public sealed class SlotHeartbeats(long timestampFrequency, TimeSpan stillAfter)
{
    private readonly Dictionary<int, Seen> _seen = [];

    /// <summary>Takes in a table that was just read, with a timestamp taken after the read.</summary>
    public IReadOnlyDictionary<int, HeartbeatTrend> Observe(SlotTable table, long timestamp)
    {
        ArgumentNullException.ThrowIfNull(table);
        var trends = new Dictionary<int, HeartbeatTrend>();
        for (var slot = 0; slot < SlotTable.MaxSlots; slot++)
        {
            if (!table.Claims.TryGetValue(slot, out var claim))
            {
                _seen.Remove(slot);
                continue;
            }

            _seen.TryGetValue(slot, out var seen);
            if (seen is null || seen.PodUid != claim.PodUid)
                _seen[slot] = seen = new Seen(claim.PodUid, claim.Heartbeat, timestamp, Changed: false);
            else if (seen.Heartbeat != claim.Heartbeat)
                _seen[slot] = seen = new Seen(claim.PodUid, claim.Heartbeat, timestamp, Changed: true);
            var still = (timestamp - seen.At) / (double)timestampFrequency >= stillAfter.TotalSeconds;
            trends[slot] = still ? HeartbeatTrend.Still : seen.Changed ? HeartbeatTrend.Changing : HeartbeatTrend.Unknown;
        }

        return trends;
    }

    private sealed record Seen(string PodUid, long Heartbeat, long At, bool Changed);
}
