namespace Sidecars.Core.Primitives;

/// <summary>What every policy decides has in common; each is a closed set of its own.</summary>
public interface IDecision
{
    /// <summary>Stable, for logs, metrics and tests.</summary>
    string Code { get; }

    /// <summary>Why, in words for people.</summary>
    string Reason { get; }
}
