using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.Fence;

/// <summary>What the fence is decided on. Durations are measured by the loop.</summary>
public sealed record FenceFacts
{
    /// <summary>The server beside this process.</summary>
    public required OwnServer Server { get; init; }

    /// <summary>
    /// Its announced address; null: not known yet, and then nothing that names an address speaks for or against this server.
    /// </summary>
    public RedisEndpoint? Address { get; init; }

    /// <summary>What the Sentinels say.</summary>
    public required QuorumFacts Quorum { get; init; }

    /// <summary>Configured number of Redis nodes.</summary>
    public required int RedisCount { get; init; }

    /// <summary>The value that <c>min-replicas-to-write</c> has in normal running.</summary>
    public required long ConfiguredMinReplicas { get; init; }

    /// <summary>How long a contradiction or an isolation may last: down-after less one second.</summary>
    public required TimeSpan Patience { get; init; }

    /// <summary>The failover by which this server is being replaced, as last read from its Sentinel; null: none is known.</summary>
    public Replacement? Replacement { get; init; }

    /// <summary>Why the majority's word for this server may be about to change; null: nothing speaks for it.</summary>
    public string? Doubt { get; init; }

    /// <summary>A majority names this server and nothing is in doubt, for so long without a break.</summary>
    public TimeSpan ConfirmedFor { get; init; }

    /// <summary>While the server is silent: it was a master when it last answered.</summary>
    public bool WasMaster { get; init; }

    /// <summary>A majority answers and does not name this server, for so long without a break.</summary>
    public TimeSpan ContradictedFor { get; init; }

    /// <summary>
    /// No majority answers and a configured replica is missing: time since either was last otherwise, counted from the questions that a
    /// majority answered and from what the replicas acknowledged, not from the moment at which their absence was noticed.
    /// </summary>
    public TimeSpan IsolatedFor { get; init; }

    /// <summary>
    /// Another process than this server answers at its announced address on new connections, for so long without a break.
    /// </summary>
    public TimeSpan ImpostorFor { get; init; }

    /// <summary>The address that the majority names follows this server: a hand-over that Sentinel has not seen yet.</summary>
    public bool NamedFollowsMe { get; init; }

    /// <summary>
    /// The majority names an address that no node of the group has recorded and that was no replica of this server, for so long without a
    /// break; null: it does not, or that is not known.
    /// </summary>
    public TimeSpan? LedAwayFor { get; init; }

    /// <summary>Highest epoch in which a majority named this server; null: never seen.</summary>
    public long? ConfirmedEpoch { get; init; }

    /// <summary>Who holds a higher token than this server, as a record or a published name says it; null: nobody known.</summary>
    public string? Superseded { get; init; }

    /// <summary>
    /// This process has fenced this very process of the server and not lifted that again: all that is known where the value can't be read.
    /// </summary>
    public bool FencedUnseen { get; init; }

    /// <summary><c>min-replicas-to-write</c> has not changed for so long, by our own look.</summary>
    public TimeSpan ValueUnchangedFor { get; init; }

    /// <summary>This server was about to be replaced in this epoch, and it is not known what came of it; null: it was not.</summary>
    public GivenUp? GivenUp { get; init; }
}

/// <summary>That a server gives up for another one.</summary>
/// <param name="Epoch">In which epoch; <see cref="long.MaxValue"/> where the note can't be read.</param>
/// <param name="Reason">In words.</param>
public sealed record GivenUp(long Epoch, string Reason)
{
    /// <summary>Reads the note on disk.</summary>
    public static GivenUp? Of(DiskFact<GivingUp> note) => note.State switch
    {
        FactState.Absent => null,
        FactState.Known => new GivenUp(note.Value!.Epoch, $"it gave up for {note.Value.Target} in epoch {note.Value.Epoch}"),
        _ => new GivenUp(long.MaxValue, $"the note for whom it gives up can't be read: {note.Fault}"),
    };
}

/// <summary>What to do with the fence. Closed.</summary>
public abstract record FenceDecision(string Code, string Reason) : IDecision
{
    /// <summary>Refuse writes and cut clients.</summary>
    public sealed record Fence(string Code, string Reason) : FenceDecision(Code, Reason);

    /// <summary>Set the configured value.</summary>
    public sealed record Lift(string Code, string Reason) : FenceDecision(Code, Reason);

    /// <summary>Leave it as it is.</summary>
    public sealed record Keep(string Code, string Reason) : FenceDecision(Code, Reason);

    /// <summary>Leave it as it is, for want of evidence.</summary>
    public sealed record Refuse(string Code, string Reason) : FenceDecision(Code, Reason);
}

/// <summary>
/// Whether writes are refused. Pure. A contradiction fences, ignorance alone does not: all Sentinels may restart at once while every
/// replica is attached. Only a majority of the Sentinels lifts, and none while one of them is about to promote another.
/// </summary>
public static class FencePolicy
{
    /// <summary>How long the value of a step-down in progress stands before it is taken for one that was left behind.</summary>
    public static readonly TimeSpan StepDownPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// While a Sentinel is missing, the others must have confirmed for so long: the one that is missing may have been elected, and
    /// promotes within two ticks and an INFO of its own (1 s).
    /// </summary>
    public static readonly TimeSpan LiftPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// So long a master is left open from which the Sentinels were led to a stranger: they are told back within that (<c>LedAway</c>), and
    /// clients that are cut meanwhile would be sent there.
    /// </summary>
    public static readonly TimeSpan TellingBack = TimeSpan.FromSeconds(2);

    /// <summary>Decides.</summary>
    public static FenceDecision Decide(FenceFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts.Server switch
        {
            OwnServer.Answers { MinReplicas: null, IsMaster: true } master => OfUnreadable(facts, master),
            OwnServer.Answers { MinReplicas: null } => new FenceDecision.Refuse("value-unknown", "min-replicas-to-write can't be read"),
            OwnServer.Answers { IsMaster: true } master => OfMaster(facts, master),
            OwnServer.Answers replica => OfReplica(facts, replica),
            OwnServer.Dead => new FenceDecision.Keep("server-dead", "the process is gone, and with it its clients"),
            // Stopped, it would acknowledge what waits in its sockets when it wakes: the fence must wait there too.
            OwnServer.Silent when facts.WasMaster && Replaced(facts) is { } why =>
                new FenceDecision.Fence(why.Code, why.Reason),
            _ => new FenceDecision.Keep("server-silent", $"the server does not answer: {((OwnServer.Silent)facts.Server).Why}"),
        };
    }

    // CONFIG GET may be refused where CONFIG SET is not, and cutting the clients needs neither.
    private static FenceDecision OfUnreadable(FenceFacts facts, OwnServer.Answers master)
    {
        const string Unread = "min-replicas-to-write can't be read (may the sidecar's user CONFIG GET?)";
        if (Contradiction(facts, master) is { } why)
            return facts.FencedUnseen
                ? new FenceDecision.Refuse("fenced-unseen", $"{why.Reason}; {Unread}")
                : new FenceDecision.Fence(why.Code, $"{why.Reason}; {Unread}");
        return facts.FencedUnseen && IsConfirmed(facts, master) && Obstacle(facts) is null
            ? new FenceDecision.Lift("confirmed", $"{facts.Quorum.Reason}; {Unread}")
            : new FenceDecision.Refuse("value-unknown", Unread);
    }

    private static FenceDecision OfMaster(FenceFacts facts, OwnServer.Answers master)
    {
        var value = master.MinReplicas!.Value;
        // A step-down's value refuses writes as well, and its coordinator cuts the clients.
        var isFenced = value is WriteFence.MinReplicas or WriteFence.StepDown && master.MaxLag > 0;
        if (Contradiction(facts, master) is { } why)
            return isFenced ? new FenceDecision.Keep("fenced", why.Reason) : new FenceDecision.Fence(why.Code, why.Reason);
        var isConfirmed = IsConfirmed(facts, master);
        var maybe = isConfirmed ? Obstacle(facts) : null;
        if (value == WriteFence.MinReplicas && maybe is not null)
            return new FenceDecision.Refuse("fenced-doubted", $"{facts.Quorum.Reason}, but {maybe}");
        if (value == WriteFence.MinReplicas)
            return isConfirmed
                ? new FenceDecision.Lift("confirmed", facts.Quorum.Reason)
                : new FenceDecision.Refuse("fenced-unconfirmed", $"only a majority lifts the fence: {facts.Quorum.Reason}");
        if (value == WriteFence.StepDown)
        {
            if (facts.ValueUnchangedFor < StepDownPatience) return new FenceDecision.Keep("step-down", "a step-down is in progress");
            return isConfirmed && maybe is null
                ? new FenceDecision.Lift("step-down-left-behind",
                    $"the value of a step-down stood for {DurationText.About(facts.ValueUnchangedFor)}, and {facts.Quorum.Reason}")
                : new FenceDecision.Refuse("step-down-unconfirmed", facts.Quorum.Reason);
        }

        if (WriteFence.IsFenced(value)) return new FenceDecision.Keep("fenced-by-hand", $"min-replicas-to-write {value} is a person's");
        if (facts.Address is null)
            return new FenceDecision.Keep(
                "address-unknown", $"{facts.Quorum.Reason}; the announced address of this server is not known yet");
        return isConfirmed
            ? new FenceDecision.Keep("open", facts.Quorum.Reason)
            : new FenceDecision.Refuse("open-unconfirmed", facts.Quorum.Reason);
    }

    // A replica takes no writes; but promoted with the value of a fence it would refuse them until its sidecar has seen a majority.
    private static FenceDecision OfReplica(FenceFacts facts, OwnServer.Answers replica) => replica.MinReplicas!.Value switch
    {
        WriteFence.MinReplicas =>
            new FenceDecision.Lift("replica-reconciled", "a replica keeps no fence: CONFIG REWRITE of its demotion persisted it"),
        WriteFence.StepDown when facts.ValueUnchangedFor >= StepDownPatience =>
            new FenceDecision.Lift("replica-reconciled", "a step-down left its value behind"),
        _ => new FenceDecision.Keep("replica", "a replica takes no writes"),
    };

    private static (string Code, string Reason)? Contradiction(FenceFacts facts, OwnServer.Answers master)
    {
        var quorum = facts.Quorum;
        if (facts.Address is null) return Isolation(facts, master);
        if (facts.ImpostorFor >= facts.Patience)
            return ("address-is-another", $"at {facts.Address} another process answers than {master.RunId}");
        if (Replaced(facts) is { } why) return why;
        if (quorum.Named != facts.Address && facts.NamedFollowsMe) return null;
        if (facts.Superseded is { } who && !IsConfirmed(facts, master)) return ("higher-token", who);
        if (quorum.HasMajority && quorum.Named != facts.Address && !facts.NamedFollowsMe && facts.ContradictedFor >= facts.Patience)
            return ("not-confirmed", $"{quorum.Reason}; not this server for {DurationText.About(facts.ContradictedFor)}");
        return Isolation(facts, master);
    }

    private static (string Code, string Reason)? Isolation(FenceFacts facts, OwnServer.Answers master) =>
        !facts.Quorum.HasMajority && master.FreshReplicas < facts.RedisCount - 1 && facts.IsolatedFor >= facts.Patience
            ? ("isolated", $"{facts.Quorum.Reason}; {master.FreshReplicas} of {facts.RedisCount - 1} replicas are attached, "
                + $"for {DurationText.About(facts.IsolatedFor)}")
            : null;

    // What is known without asking this server.
    private static (string Code, string Reason)? Replaced(FenceFacts facts)
    {
        if (facts.Replacement is { } by)
            return ("being-replaced", $"Sentinel {by.Sentinel} replaces {facts.Address}: its failover is in state {by.State}");
        if (facts.LedAwayFor < TellingBack) return null;
        return facts.Address is { } address && facts.Quorum.Named is { } named && named != address && !facts.NamedFollowsMe
            && facts.ConfirmedEpoch is { } mine && facts.Quorum.Epoch > mine
            ? ("higher-epoch", $"{facts.Quorum.Reason}, and this server was named in {mine}")
            : null;
    }

    // Why a server that a majority names stays fenced for now.
    private static string? Obstacle(FenceFacts facts) =>
        (facts.GivenUp is { } given && facts.Quorum.Epoch <= given.Epoch ? given.Reason : null) ?? facts.Doubt
        ?? (facts.Quorum.IsComplete || facts.ConfirmedFor >= LiftPatience
            ? null
            : $"a Sentinel is missing, and the others have said so for {DurationText.About(facts.ConfirmedFor)} only");

    private static bool IsConfirmed(FenceFacts facts, OwnServer.Answers master) =>
        facts.Address is not null && facts.Quorum.Named == facts.Address && facts.ImpostorFor == TimeSpan.Zero
        && (facts.Quorum.RunIds.IsEmpty || facts.Quorum.RunIds.Contains(master.RunId));
}
