namespace Sidecars.Failover.Decisions;

/// <summary>
/// Codes of acts that are counted; those of a target are its loop's name. Shown at 0 from the start, and compared with the code by a test.
/// </summary>
public static class ActionCodes
{
    /// <summary>All.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "fenced", "lifted", "failover", "succession", "told-back", "promote", "attach", "reset", "labelled",
        "accept-on-redis", "accept-on-sentinel", "replicate-with-current", "link-needs-current", "link-needs-previous", "sentinel-login",
        "drop-on-redis", "drop-on-sentinel", "remember",
        "tell-target", "tell-own", "demote", "forget", "unfence", "unfence-replica", "restore-min-replicas",
    ];
}
