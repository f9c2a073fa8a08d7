using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>The token to write a desired master with, a target at a time: its third part is counted here and nowhere else. Pure.</summary>
public static class RevisionPlan
{
    /// <summary>
    /// The token; null where another address would be overwritten within one term and epoch, which only a master may do that is proven
    /// to be one now.
    /// </summary>
    /// <param name="desired">Whom.</param>
    /// <param name="proof">That it is master now; null: there is none.</param>
    /// <param name="ours">What the target calls the desired master.</param>
    /// <param name="there">What the target shows; null: nothing, or nothing of ours.</param>
    public static FencingToken? Decide(DesiredMaster desired, RoleProof? proof, string ours, PublishedMaster? there)
    {
        ArgumentNullException.ThrowIfNull(desired);
        return desired switch
        {
            _ when there is null || (there.Token.Term, there.Token.Epoch) != (desired.Token.Term, desired.Token.Epoch) => desired.Token,
            // It goes on with the token of an earlier process of the sidecar.
            DesiredMaster.Own when there.Address == ours => there.Token,
            DesiredMaster.Own own when there.Token != own.Token || there.Address.Length > 0 =>
                Raised(there.Token, own.Token, own.Role.RunId, proof),
            _ => desired.Token,
        };
    }

    // The greatest number can't be raised. No target reaches it by our writes; one that has it is left to a person.
    private static FencingToken? Raised(FencingToken over, FencingToken mine, string runId, RoleProof? proof) =>
        over.Rev == long.MaxValue ? mine : proof?.RunId == runId ? over with { Rev = over.Rev + 1 } : null;
}
