namespace Sidecars.Core.Redis;

/// <summary>
/// The fence of an isolated master: <c>min-replicas-to-write</c> is raised so far that no group has as many replicas, and every
/// write is answered NOREPLICAS. Who raises it and who reads it agree here.
/// </summary>
public static class WriteFence
{
    /// <summary>The value that a fence sets.</summary>
    public const int MinReplicas = 1_000_000;

    /// <summary>The value of a step-down in progress, which ends within seconds.</summary>
    public const int StepDown = 99;

    /// <summary>
    /// Above this a value is a fence and no requirement: no master has a thousand replicas, and people fence by hand with 9999 too.
    /// </summary>
    public const int MaxRequirement = 1000;

    /// <summary>True for a value of <c>min-replicas-to-write</c> that means "no writes"; false where it is not known.</summary>
    public static bool IsFenced(long? minReplicasToWrite) => minReplicasToWrite > MaxRequirement;
}
