using Sidecars.Core.Kubernetes;

namespace Sidecars.Failover.Publish;

/// <summary>Outcome of one call at a target: a read, or a write by compare-and-swap. Closed.</summary>
/// <typeparam name="T">What a success brings.</typeparam>
public abstract record TargetResult<T>
{
    private TargetResult()
    {
    }

    /// <summary>Read whole, or written.</summary>
    public sealed record Done(T Value) : TargetResult<T>;

    /// <summary>Not, or not known to be done.</summary>
    public sealed record Failed(TargetFailure Failure) : TargetResult<T>;
}

/// <summary>Why a call failed.</summary>
public enum TargetFailureKind
{
    /// <summary>Too many requests of this account, or of this target at once: later. Nothing was done.</summary>
    Throttled,

    /// <summary>Not reached, or no answer, or one that is not understood: it may have been done.</summary>
    Unavailable,

    /// <summary>Credentials missing, expired or without the right.</summary>
    Denied,

    /// <summary>The setting is wrong: no such zone, a name outside it.</summary>
    Misconfigured,

    /// <summary>Of a write: what it was to replace is not there any more. Nothing was done.</summary>
    Conflict,
}

/// <summary>Why, in words for people and a kind for metrics.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Message">Without secrets.</param>
/// <param name="RetryAfter">What the server asks for; null: nothing.</param>
public sealed record TargetFailure(TargetFailureKind Kind, string Message, TimeSpan? RetryAfter = null)
{
    /// <summary>What a refusal of the API server of Kubernetes means.</summary>
    public static TargetFailure Of(KubernetesFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var kind = failure switch
        {
            KubernetesFailure.Conflict => TargetFailureKind.Conflict,
            KubernetesFailure.Forbidden or KubernetesFailure.Unauthorized => TargetFailureKind.Denied,
            KubernetesFailure.Throttled => TargetFailureKind.Throttled,
            KubernetesFailure.Rejected => TargetFailureKind.Misconfigured,
            _ => TargetFailureKind.Unavailable,
        };
        return new TargetFailure(kind, failure.Message, failure.AskedToWait);
    }
}
