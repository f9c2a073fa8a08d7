using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Death;
using Sidecars.Failover.Fence;
using Sidecars.Failover.Ghosts;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.LedAway;
using Sidecars.Failover.Passwords;
using Sidecars.Failover.Publish;
using Sidecars.Failover.RoleLabel;
using Sidecars.Failover.Strays;

namespace Sidecars.Failover.Status;

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

    /// <summary>Replays one line of <c>redis-bootstrap</c>, <c>redis-failover run</c> or <c>redis-failover step-down</c>.</summary>
    /// <param name="line">As it was logged.</param>
    /// <param name="bootstrap">Decides for <c>redis-bootstrap</c>; null: this file has no code of it.</param>
    public static ReplayOutcome Replay(string line, BootstrapReplay? bootstrap)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Length > MaxLine) return new ReplayOutcome.Unreadable("the line is longer than any decision");
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "event") != "decision" || Text(root, "code") is not { } code
                || !root.TryGetProperty("snapshot", out var snapshot) || snapshot.ValueKind != JsonValueKind.Object)
                return new ReplayOutcome.Unreadable("the line is not a decision with a snapshot");
            return Text(root, "loop") is { } loop ? OfLoop(loop, code, snapshot) : OfBootstrap(code, snapshot, bootstrap);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return new ReplayOutcome.Unreadable(e.Message);
        }
    }

    private static ReplayOutcome OfBootstrap(string code, JsonElement snapshot, BootstrapReplay? bootstrap)
    {
        if (bootstrap is null) return new ReplayOutcome.Unreadable("this file has no code of redis-bootstrap, which decided it");
        var (policy, decision, why) = bootstrap(snapshot);
        return decision is null
            ? new ReplayOutcome.Unreadable(why)
            : new ReplayOutcome.Replayed(policy, code, decision.Code, decision.Reason);
    }

    private static ReplayOutcome OfLoop(string loop, string code, JsonElement snapshot)
    {
        var decision = loop switch
        {
            "fence" => Again(snapshot, FenceJson.Default.FenceFacts, FencePolicy.Decide),
            "publish" => Again(snapshot, PublishJson.Default.PublishFacts, PublishPolicy.Decide),
            "publish-another" => Again(snapshot, PublishJson.Default.AnotherMasterFacts, AnotherMasterPolicy.Decide),
            "abandoned" => Again(snapshot, DeathJson.Default.AbandonedFacts, AbandonedPolicy.Decide),
            "death" => Again(snapshot, DeathJson.Default.DeathFacts, DeathPolicy.Decide),
            "epoch" => Again(snapshot, EpochJson.Default.EpochKeeperFacts, EpochKeeperPolicy.Decide),
            "ghosts" => Again(snapshot, GhostJson.Default.GhostSnapshot, facts => GhostRepairPolicy.Decide(facts)),
            "hand-over-repair" => AgainOfNodes(snapshot, HandOverJson.Default.HandOverRepairFacts, HandOverRepairPolicy.Decide),
            "led-away" => Again(snapshot, LedAwayJson.Default.LedAwayFacts, LedAwayPolicy.Decide),
            "passwords" => Again(snapshot, PasswordJson.Default.PasswordFacts, PasswordPolicy.Decide),
            "role-label" => Again(snapshot, RoleLabelJson.Default.RoleLabelFacts, RoleLabelPolicy.Decide),
            "self-replica" => Again(snapshot, StrayJson.Default.SelfReplicaFacts, SelfReplicaPolicy.Decide),
            "stray-replica" => Again(snapshot, StrayJson.Default.StrayReplicaFacts, StrayReplicaPolicy.Decide),
            "step-down" => AgainOfNodes(snapshot, HandOverJson.Default.HandOverSnapshot, StepDownPolicy.Decide),
            _ => null,
        };
        return decision is null
            ? new ReplayOutcome.Unreadable($"unknown loop '{loop}'")
            : new ReplayOutcome.Replayed(loop, code, decision.Code, decision.Reason);
    }

    private static IDecision? Again<T>(JsonElement snapshot, JsonTypeInfo<T> type, Func<T, IDecision> decide)
        where T : class =>
        snapshot.Deserialize(type) is { } facts ? decide(facts) : null;

    // Hand-overs had their own record of a node, before every look at a Redis became one: logs of that time have its names.
    private static IDecision? AgainOfNodes<T>(JsonElement snapshot, JsonTypeInfo<T> type, Func<T, IDecision> decide)
        where T : class
    {
        var root = JsonObject.Create(snapshot)!;
        var group = root["group"] as JsonObject ?? root;
        foreach (var seen in (group["others"] as JsonArray ?? []).Append(group["own"]).OfType<JsonObject>())
        {
            Rename(seen, "node", "view");
            if (seen["view"] is not JsonObject look) continue;
            Rename(look, "address", "announced");
            Rename(look, "link_up", "master_link_up");
            Rename(look, "syncing", "sync_in_progress");
        }

        return root.Deserialize(type) is { } facts ? decide(facts) : null;
    }

    private static void Rename(JsonObject json, string from, string to)
    {
        var value = json[from];
        if (json.Remove(from)) json[to] = value;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
