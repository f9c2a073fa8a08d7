using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>
/// When a Sentinel may vote for clients: it knows the master, trusts its clock, can reach a quorum, and agrees with the others.
/// </summary>
internal static class SentinelPolicy
{
    public static ProbeVerdict Ready(ProbeRequest request, ProbeFacts facts)
    {
        if (KnowsMaster(request.MasterName, facts) == false)
            return ProbePolicy.Fail(request.Kind, $"the Sentinel does not know the master '{request.MasterName}'{Known(facts)}");
        if (facts.Info?.GetInt64("sentinel_tilt") == 1)
        {
            var since =
                facts.Info.GetInt64("sentinel_tilt_since_seconds") is { } seconds and >= 0 ? " for " + Digits.Seconds(seconds) : "";
            return ProbePolicy.Fail(
                request.Kind, $"the Sentinel is in TILT{since}: its clock jumped or it stood still, and it trusts nothing for 30s");
        }

        if (facts.QuorumError is { } error) return ProbePolicy.Fail(request.Kind, "the Sentinel has no quorum: " + error);
        if (facts.QuorumOk is null)
            return ProbePolicy.Fail(request.Kind, "the quorum is unknown: "
                + (facts.LoginError is { } login ? "AUTH was refused: " + login : "no reply to SENTINEL CKQUORUM"));
        if (facts.Votes is { IsContradicted: true } votes)
            return ProbePolicy.Fail(request.Kind,
                $"{Digits.Of(votes.Contradicting)} of {Digits.Of(votes.Expected)} Sentinels name {votes.Other} as master, "
                + $"this one names {facts.NamedMaster}");
        return ProbePolicy.Pass(request.Kind, $"Sentinel, master '{request.MasterName}' at {facts.NamedMaster ?? "(unknown)"}, "
            + $"{facts.QuorumOk}{(facts.Votes is { } said ? ", " + said.Describe() : "")}");
    }

    /// <summary>Null where ROLE was not answered.</summary>
    public static bool? KnowsMaster(string name, ProbeFacts facts)
    {
        if (facts.Role is not RoleReply.Sentinel sentinel) return null;
        foreach (var known in sentinel.MasterNames)
        {
            if (string.Equals(known, name, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    public static string Known(ProbeFacts facts) =>
        facts.Role is RoleReply.Sentinel { MasterNames.Count: > 0 } sentinel
            ? $", only '{string.Join("', '", sentinel.MasterNames)}'"
            : "; it knows none";
}
