using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish;

/// <summary>What a place that does not say what is to be published means for the revision of the next write. Closed.</summary>
public abstract record RevisionStep
{
    private RevisionStep()
    {
    }

    /// <summary>Go on with the token that stands there: it is this master's own, of an earlier process of the sidecar or of a hand-over.</summary>
    public sealed record Adopt(FencingToken Token) : RevisionStep;

    /// <summary>
    /// Another address stands there within the same term and epoch. Raised over exactly that token, and only for a master that is
    /// verified now.
    /// </summary>
    public sealed record Raise(FencingToken Token) : RevisionStep;

    /// <summary>Nothing: what stands there is newer.</summary>
    public sealed record Yield : RevisionStep;
}

/// <summary>The third part of a token, a place at a time. Pure: term and epoch are decided elsewhere and are never changed here.</summary>
public static class RevisionPlan
{
    /// <summary>Decides.</summary>
    /// <param name="mine">The token that was not written.</param>
    /// <param name="ours">What the place calls the master that is to be published.</param>
    /// <param name="there">What stands at the place.</param>
    public static RevisionStep Decide(FencingToken mine, string ours, PublishedMaster there)
    {
        ArgumentNullException.ThrowIfNull(there);
        var token = there.Token;
        // The greatest number there is can't be raised: no place of ours ever gets there, and what does is left to a person.
        if ((token.Term, token.Epoch) != (mine.Term, mine.Epoch) || token < mine || token.Rev == long.MaxValue) return new RevisionStep.Yield();
        if (there.Address != ours) return new RevisionStep.Raise(token with { Rev = token.Rev + 1 });
        return token > mine ? new RevisionStep.Adopt(token) : new RevisionStep.Yield();
    }
}
