namespace Sidecars.Failover.Decisions;

/// <summary>
/// Reasons of refusals by loop, as <c>manifests/docs/refusals.md</c> explains them. Shown at 0 from the start; a test compares them with
/// that page and with the policies.
/// </summary>
public static class RefusalReasons
{
    /// <summary>Of a loop that publishes at one target, whose name is the target's.</summary>
    public static IReadOnlyList<string> OfTarget { get; } =
        ["not-verified", "throttled", "unavailable", "denied", "misconfigured", "conflict"];

    private static readonly (string Loop, string[] Reasons)[] Loops =
    [
        ("fence",
        [
            "fenced-unconfirmed", "fenced-doubted", "open-unconfirmed", "step-down-unconfirmed", "value-unknown", "fenced-unseen",
        ]),
        ("death", ["no-promotable-replica", "no-agreement", "address-unknown", "replica-silent", "histories-differ", "other-master"]),
        ("abandoned", ["no-agreement", "master-answers", "master-heard", "no-promotable-replica", "replica-silent", "histories-differ",
            "other-master"]),
        ("led-away",
        [
            "foreign-replica", "record-unavailable", "addresses-incomplete", "address-is-another", "loading", "never-named",
            "replica-promoted",
            "failing-over", "step-down", "replaced", "replicas-missing", "epoch-beyond-reason", "epoch-not-believable",
        ]),
        ("publish", ["token-went-back", "address-is-another", "no-majority", "no-agreement", "epoch-not-believable"]),
        ("publish-another",
        [
            "address-not-recorded", "addresses-unread", "address-ambiguous", "login-refused", "login-unclear", "login-unreachable",
            "login-missing", "not-master", "not-named", "run-id-unknown", "another-process",
        ]),
        ("marker", ["marker-not-written"]),
        ("record", ["record-unavailable", "report-refused"]),
        ("epoch", ["epoch-store-unavailable", "epoch-went-back", "epoch-names-another", "epoch-not-believable"]),
        ("self-replica", ["not-named"]),
        ("stray-replica",
        [
            "other-lineage", "step-down", "step-down-unknown", "hand-over-fence", "master-hands-over", "master-silent",
            "master-down", "named-is-replica",
        ]),
        ("ghosts",
        [
            "address-twice", "extra-replica-alive", "extra-sentinel-alive", "failover-in-progress", "master-not-confirmed",
            "master-not-healthy", "no-master", "peer-not-seen", "redis-unknown", "replica-not-in-sync", "replica-not-seen",
            "replicas-missing", "sentinel-id-twice", "sentinel-unknown", "sentinels-disagree", "sentinels-missing",
            "sentinels-too-many", "tilt",
        ]),
        ("hand-over-repair",
        [
            "failover-in-progress", "giving-up-unreadable", "no-majority", "second-master", "target-not-down", "target-silent",
            "target-unclear",
        ]),
        ("passwords",
        [
            "files-unreadable", "masterauth-behind", "own-unknown", "redis-behind", "redis-missing", "redis-unknown",
            "sentinel-behind", "sentinel-login-behind", "sentinel-missing", "sentinel-unknown",
        ]),
        ("role-label", ["rejected", "not-kept", "not-this-pod", "wrong-configuration"]),
        ("address", ["announce-unresolved"]),
        ("sentinels", ["info-period"]),
    ];

    /// <summary>Loop and reason.</summary>
    public static IEnumerable<string[]> All => Loops.SelectMany(loop => loop.Reasons.Select(reason => new[] { loop.Loop, reason }));

    /// <summary>Lists the reasons of a loop.</summary>
    public static IEnumerable<string> Of(string loop) => Loops.Single(known => known.Loop == loop).Reasons;
}
