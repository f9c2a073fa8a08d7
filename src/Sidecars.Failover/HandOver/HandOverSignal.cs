namespace Sidecars.Failover.HandOver;

/// <summary>
/// The notification that clients may be moved: a Pub/Sub message on the <em>new</em> master, sent once the old one is known to be a replica.
/// The sidecar there then checks everything itself (<see cref="HandOverClaimPolicy"/>), so a forged message has no effect.
/// </summary>
public static class HandOverSignal
{
    /// <summary>The channel; the ACL of the sidecars' user has it.</summary>
    public const string Channel = "__sidecars__:hand-over";

    /// <summary>The message; nobody reads it.</summary>
    public const string Text = "look";
}
