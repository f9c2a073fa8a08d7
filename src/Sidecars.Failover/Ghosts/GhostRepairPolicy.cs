using System.Globalization;
using System.Text;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Ghosts;

/// <summary>
/// Removes ghosts: Sentinels and replicas that are gone for good and that Sentinels never forget by themselves. Each ghost
/// Sentinel is a voter that never votes; two of them cost a group of three its failover. RESET makes one Sentinel forget
/// everybody, so it is done to one at a time and only while all else is exactly as it should be. Never REMOVE and MONITOR,
/// which restart the epoch. Pure.
/// </summary>
public static class GhostRepairPolicy
{
    /// <summary>
    /// How long everything must have looked the same before a RESET, and so the least time between two of them: Redis'
    /// documentation asks for 30 s, within which a Sentinel learns of all others (2 s) and of all replicas (10 s) again.
    /// </summary>
    public static readonly TimeSpan Settle = TimeSpan.FromSeconds(30);

    /// <summary>Decides the next step from one round's facts.</summary>
    public static GhostDecision Decide(GhostSnapshot s)
    {
        ArgumentNullException.ThrowIfNull(s);
        // A dead Sentinel of ours is an entry that is down, not one too many: nothing is refused where there is nothing to do.
        var crowded = s.Sentinels.OfType<SentinelObservation.Known>()
            .FirstOrDefault(k => k.View.Others.Length > s.SentinelCount - 1 || k.View.Replicas.Length > s.RedisCount - 1);
        if (crowded is null) return new GhostDecision.Nothing("no Sentinel knows more than there should be");
        if (GhostView.Of(s, out var gap) is not { } view) return gap!;
        if (view.Sentinels.FirstOrDefault(k => view.GhostsOf(k).Any()) is not { } first)
            return new GhostDecision.Nothing("every entry of every Sentinel is one of the group");
        var ghosts = $"Sentinel {first.Endpoint} knows {string.Join(", ", view.GhostsOf(first).Order(StringComparer.Ordinal))}, "
            + "which is no longer there";
        if (view.MasterRunId != s.MyRunId) return new GhostDecision.LeaveToMaster(ghosts);
        var remaining = Settle - s.UnchangedFor;
        return remaining > TimeSpan.Zero
            ? new GhostDecision.Wait(remaining, ghosts)
            : new GhostDecision.Reset(first.Endpoint, first.View.MyId, ghosts);
    }

    /// <summary>
    /// Everything that must stay the same for <see cref="Settle"/>, in one text: who answers, whom they name, whom they know
    /// and how they see them. Any RESET, by whomever, and any failover changes it.
    /// </summary>
    public static string Fingerprint(IEnumerable<SentinelObservation> sentinels, IEnumerable<NodeObservation> nodes)
    {
        ArgumentNullException.ThrowIfNull(sentinels);
        ArgumentNullException.ThrowIfNull(nodes);
        return string.Join('\n', sentinels.Select(Line).Concat(nodes.Select(Line)).Order(StringComparer.Ordinal));
    }

    private static string Line(SentinelObservation observation)
    {
        if (observation is not SentinelObservation.Known { View: var view } known)
            return $"{observation.Endpoint} {observation.GetType().Name}";
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"{known.Endpoint} {view.MyId} {view.Tilt} {view.Master?.Address} {view.Master?.ConfigEpoch} {view.Master?.RunId} "
            + $"{view.Master?.Healthy} {view.Master?.FailoverInProgress}");
        // The flags themselves flicker with every try to reconnect and with every opinion.
        text.Append(' ').AppendJoin(' ', view.Others.Select(o => $"{o.MyId}={o.Address} {o.Alive} {o.Down}").Order(StringComparer.Ordinal));
        text.Append(' ').AppendJoin(' ', view.Replicas.Select(r => $"{r.Address}={r.Linked} {r.Down}").Order(StringComparer.Ordinal));
        return text.ToString();
    }

    private static string Line(NodeObservation observation) => observation is NodeObservation.Known { View: var view } known
        ? $"{known.Address} {view.RunId} {view.Role} {view.MasterAddress} {view.MasterLinkUp} {view.SyncInProgress}"
        : $"{observation.Endpoint} {observation.GetType().Name}";
}
