using System.Text.Json;
using Sidecars.Core.Election;
using Sidecars.Core.Failover.Death;
using Sidecars.Core.Failover.Fencing;
using Sidecars.Core.Failover.Publishing;

namespace Sidecars.Core.Failover.Status;

/// <summary>A logged decision, taken again from its snapshot. Closed.</summary>
public abstract record ReplayOutcome
{
    private ReplayOutcome()
    {
    }

    /// <summary>It was taken again.</summary>
    /// <param name="Policy">Which rules.</param>
    /// <param name="Logged">The code in the log.</param>
    /// <param name="Code">The code now.</param>
    /// <param name="Reason">The reason now.</param>
    public sealed record Replayed(string Policy, string Logged, string Code, string Reason) : ReplayOutcome
    {
        /// <summary>The same decision.</summary>
        public bool IsSame => Logged == Code;
    }

    /// <summary>The line is no decision, or its snapshot can't be read.</summary>
    public sealed record Unreadable(string Why) : ReplayOutcome;
}

/// <summary>
/// JSON line of a decision → the same decision again. The rules are those of this version: a difference says that they changed since, or
/// that the line did.
/// </summary>
public static class DecisionReplay
{
    /// <summary>Longest line that is read: a snapshot of 31 nodes and 31 Sentinels comes to some 300 KiB.</summary>
    public const int MaxLine = 4 << 20;

    /// <summary>Replays one line of <c>redis-bootstrap redis</c> or <c>redis-failover run</c>.</summary>
    public static ReplayOutcome Replay(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Length > MaxLine) return new ReplayOutcome.Unreadable("the line is longer than any decision");
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "event") != "decision" || Text(root, "code") is not { } code || !root.TryGetProperty("snapshot", out var snapshot) || snapshot.ValueKind != JsonValueKind.Object)
                return new ReplayOutcome.Unreadable("the line is no decision with a snapshot");
            return Text(root, "loop") is { } loop ? OfLoop(loop, code, snapshot.GetRawText()) : OfBootstrap(code, snapshot.GetRawText());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return new ReplayOutcome.Unreadable(e.Message);
        }
    }

    private static ReplayOutcome OfBootstrap(string code, string snapshot)
    {
        if (SnapshotDocument.TryReadBootstrap(snapshot, out var why) is not { } read) return new ReplayOutcome.Unreadable($"its snapshot is not that of a starting Redis: {why}");
        var decision = MasterSelectionPolicy.Decide(read);
        return new ReplayOutcome.Replayed("master-selection", code, decision.Code, decision.Reason);
    }

    private static ReplayOutcome OfLoop(string loop, string code, string snapshot)
    {
        switch (loop)
        {
            case "fence" when JsonSerializer.Deserialize(snapshot, FailoverJson.Default.FenceFacts) is { } facts:
                var fence = FencePolicy.Decide(facts);
                return new ReplayOutcome.Replayed(loop, code, fence.Code, fence.Reason);
            case "publish" when JsonSerializer.Deserialize(snapshot, FailoverJson.Default.PublishFacts) is { } facts:
                var publish = PublishPolicy.Decide(facts);
                return new ReplayOutcome.Replayed(loop, code, publish.Code, publish.Reason);
            case "death" when JsonSerializer.Deserialize(snapshot, FailoverJson.Default.DeathFacts) is { } facts:
                var death = DeathPolicy.Decide(facts);
                return new ReplayOutcome.Replayed(loop, code, death.Code, death.Reason);
            default:
                return new ReplayOutcome.Unreadable($"decisions of '{loop}' carry no snapshot that can be replayed");
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
