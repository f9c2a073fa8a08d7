using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>Who is master, as clients read it at a target.</summary>
/// <param name="Cluster">The group.</param>
/// <param name="Token">Orders the writers.</param>
/// <param name="Addresses">What it is published as.</param>
public sealed record MasterPublication(ClusterId Cluster, FencingToken Token, MasterAddresses Addresses);

/// <summary>What a target shows.</summary>
/// <param name="Token">With which token.</param>
/// <param name="Address">The master's; "": none any more.</param>
public sealed record PublishedMaster(FencingToken Token, string Address);

/// <summary>One target where the master is published: how it is read, planned and written.</summary>
/// <remarks>Memory, retries and revisions are the <see cref="TargetWriter{TState,TChange}"/>'s.</remarks>
/// <typeparam name="TState">All that a read shows.</typeparam>
/// <typeparam name="TChange">What a write replaces, and by what.</typeparam>
public interface IPublishTarget<TState, TChange>
{
    /// <summary>Short, a label of metrics: <c>route53</c>, <c>dns-endpoint</c>, <c>zone-file</c>, <c>endpoint-slice</c>.</summary>
    string Name { get; }

    /// <summary>For people: which zone or Service.</summary>
    string Description { get; }

    /// <summary>What it calls a master; null where it can't publish it.</summary>
    string? AddressOf(MasterAddresses addresses);

    /// <summary>Reads all that a plan needs.</summary>
    Task<TargetResult<TState>> ReadAsync(CancellationToken cancellation);

    /// <summary>Whom a state names; null: nobody, or nothing of ours. Pure.</summary>
    PublishedMaster? MasterOf(TState state);

    /// <summary>What is to be written over a state. Pure.</summary>
    TargetPlan<TChange> Plan(MasterPublication wanted, TState state);

    /// <summary>
    /// Writes by compare-and-swap on the state that was planned from. After most failures it may have been written all the same.
    /// </summary>
    /// <returns>What stands there now, and the change for <see cref="IsPropagatedAsync"/>; "": it is everywhere at once.</returns>
    Task<TargetResult<(TState State, string ChangeId)>> WriteAsync(TState from, TChange change, CancellationToken cancellation);

    /// <summary>Whether all servers of the target know a change; null: it can't be asked now.</summary>
    Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation);
}

/// <summary>What a target's plan comes to. Closed.</summary>
/// <typeparam name="TChange">What is written.</typeparam>
public abstract record TargetPlan<TChange>
{
    private TargetPlan()
    {
    }

    /// <summary>Write.</summary>
    public sealed record Write(string Code, string Reason, TChange Change) : TargetPlan<TChange>;

    /// <summary>Nothing is to be written.</summary>
    public sealed record Settled(PublishOutcome Outcome) : TargetPlan<TChange>;
}

/// <summary>What publishing at one target came to. Closed; <see cref="Code"/> is a label of metrics.</summary>
/// <param name="Code">Stable.</param>
/// <param name="Reason">In words.</param>
/// <param name="There">What stands there, as far as it is known; null: nothing of ours.</param>
public abstract record PublishOutcome(string Code, string Reason, PublishedMaster? There)
{
    /// <summary>The codes of every target's outcomes; a refusal of one target has its own.</summary>
    public static IReadOnlyList<string> Codes { get; } =
        ["first", "newer-token", "repair", "up-to-date", "superseded", "contested", "not-verified"];

    /// <summary>Written by one call that changed it.</summary>
    public sealed record Written(string Code, string Reason, PublishedMaster There, string ChangeId) : PublishOutcome(Code, Reason, There);

    /// <summary>It stood there already.</summary>
    public sealed record UpToDate(PublishedMaster There, string Reason) : PublishOutcome("up-to-date", Reason, There);

    /// <summary>A newer token stands there: not written.</summary>
    public sealed record Superseded(PublishedMaster There, string Reason) : PublishOutcome("superseded", Reason, There);

    /// <summary>The same token stands there for another address: not written.</summary>
    public sealed record Contested(PublishedMaster? There, string Reason) : PublishOutcome("contested", Reason, There);

    /// <summary>Another address stands there, and this master is not proven to be one: not written.</summary>
    public sealed record NotVerified(PublishedMaster? There, string Reason) : PublishOutcome("not-verified", Reason, There);

    /// <summary>Not ours to write; a person decides.</summary>
    public sealed record Refused(string Code, string Reason) : PublishOutcome(Code, Reason, null);
}

/// <summary>The part that is the same in the plan of every target: a token decides, never a time. Pure.</summary>
public static class TokenPlan
{
    /// <summary>What follows where the target shows a token of this group.</summary>
    /// <param name="mine">The token to write.</param>
    /// <param name="ours">What the target calls this master.</param>
    /// <param name="there">What it shows.</param>
    /// <param name="isExact">Whether it stands there exactly as it would be written.</param>
    /// <param name="change">What would be written.</param>
    public static TargetPlan<TChange> Decide<TChange>(FencingToken mine, string ours, PublishedMaster there, bool isExact, TChange change)
    {
        ArgumentNullException.ThrowIfNull(there);
        if (there.Token > mine)
            return Settled(
                new PublishOutcome.Superseded(there, $"{there.Address} is published with token {there.Token}, newer than {mine}"));
        if (there.Token < mine)
            return new TargetPlan<TChange>.Write("newer-token", $"token {mine} follows {there.Token} of {there.Address}", change);
        if (there.Address != ours && there.Address.Length > 0)
            return Settled(
                new PublishOutcome.Contested(there, $"token {mine} already stands for {there.Address}, this sidecar knows {ours} by it"));
        return isExact
            ? Settled(new PublishOutcome.UpToDate(there, $"{ours} is published with token {mine}"))
            : new TargetPlan<TChange>.Write("repair", $"what token {mine} published was changed by another hand", change);

        static TargetPlan<TChange> Settled(PublishOutcome outcome) => new TargetPlan<TChange>.Settled(outcome);
    }

    /// <summary>A plan that writes nothing, since it is not ours to write.</summary>
    public static TargetPlan<TChange> Refuse<TChange>(string code, string reason) =>
        new TargetPlan<TChange>.Settled(new PublishOutcome.Refused(code, reason));
}
