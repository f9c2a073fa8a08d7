using System.Text.Json;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Election;

/// <summary>Takes a logged decision of a starting Redis or Sentinel again, from its snapshot.</summary>
public static class SnapshotReplay
{
    /// <summary>Which rules, and what they decide now; null where the snapshot can't be read, with why.</summary>
    public static (string Policy, IDecision? Decision, string Why) Decide(JsonElement snapshot)
    {
        var (text, why) = (snapshot.GetRawText(), "");
        // What only the one kind has tells a starting Sentinel from a starting Redis.
        if (snapshot.TryGetProperty("nodes", out _))
            return ("monitor-selection",
                SnapshotDocument.TryReadMonitor(text, out why) is { } starting ? MonitorSelectionPolicy.Decide(starting) : null,
                $"its snapshot is not that of a starting Sentinel: {why}");
        return ("master-selection",
            SnapshotDocument.TryReadBootstrap(text, out why) is { } read ? MasterSelectionPolicy.Decide(read) : null,
            $"its snapshot is not that of a starting Redis: {why}");
    }
}
