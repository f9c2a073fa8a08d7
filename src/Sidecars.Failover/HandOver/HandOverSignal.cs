namespace Sidecars.Failover.HandOver;

/// <summary>
/// The word that clients may move: a Pub/Sub message on the <em>new</em> master, sent once the old one is known to be a replica. It only
/// wakes: the sidecar there checks everything itself (<see cref="HandOverClaimPolicy"/>), so that a forged one does nothing.
/// </summary>
public static class HandOverSignal
{
    /// <summary>The channel; the ACL of the sidecars' user has it.</summary>
    public const string Channel = "__sidecars__:hand-over";

    /// <summary>What is sent; not read.</summary>
    public const string Text = "look";
}
