using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.RoleLabel;

/// <summary>What is known of the own pod's role label.</summary>
/// <param name="Server">The last look at its Redis.</param>
/// <param name="Written">What this process wrote last; null: nothing, or it is to be written anew.</param>
public sealed record RoleLabelFacts(OwnServer Server, string? Written);

/// <summary>What to do about the role label of the own pod. Closed.</summary>
public abstract record RoleLabelDecision(string Code, string Reason) : IDecision
{
    /// <summary>Write it.</summary>
    /// <param name="Role">The value.</param>
    /// <param name="Reason">In words.</param>
    public sealed record Write(string Role, string Reason) : RoleLabelDecision("write", Reason);

    /// <summary>It stands there.</summary>
    public sealed record UpToDate(string Reason) : RoleLabelDecision("up-to-date", Reason);

    /// <summary>Nothing: what the server is, is not known now.</summary>
    public sealed record Wait(string Reason) : RoleLabelDecision("role-unknown", Reason);
}

/// <summary>
/// A label for people's eyes, <c>kubectl get pods -L sidecars.redis/role</c>: what the Redis of this pod says of itself, and nothing more.
/// Nobody decides by it and nothing selects by it; who is published is decided elsewhere (<see cref="PublishPolicy"/>).
/// </summary>
public static class RoleLabelPolicy
{
    /// <summary>The label.</summary>
    public const string Label = "sidecars.redis/role";

    /// <summary>Value of a master, also of one that is fenced or about to be replaced.</summary>
    public const string Master = "master";

    /// <summary>Value of a replica.</summary>
    public const string Replica = "replica";

    /// <summary>Decides. A server that hangs or is gone keeps the label that it had: unknown is never contradicted.</summary>
    public static RoleLabelDecision Decide(RoleLabelFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.Server is not OwnServer.Answers answers) return new RoleLabelDecision.Wait("the Redis of this pod does not answer now");
        var role = answers.IsMaster ? Master : Replica;
        return role == facts.Written
            ? new RoleLabelDecision.UpToDate($"this pod is labelled {role}")
            : new RoleLabelDecision.Write(role, $"the Redis of this pod says that it is {(answers.IsMaster ? "master" : "a replica")}");
    }
}
