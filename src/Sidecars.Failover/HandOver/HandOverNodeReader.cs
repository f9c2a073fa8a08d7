using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.HandOver;

/// <summary>INFO and CONFIG GET → <see cref="HandOverNode"/>.</summary>
public static class HandOverNodeReader
{
    /// <summary>The settings that are asked for.</summary>
    public static RespCommand Settings => ServerReplies.SettingsCommand;

    /// <summary>Reads both replies; false, with a reason, where something is missing that a decision needs.</summary>
    public static bool TryRead(RedisEndpoint asked, RespValue infoReply, RespValue settingsReply, [NotNullWhen(true)] out HandOverNode? node, out string why)
    {
        ArgumentNullException.ThrowIfNull(infoReply);
        ArgumentNullException.ThrowIfNull(settingsReply);
        node = null;
        why = infoReply.IsError ? $"it answers {infoReply.Text}" : settingsReply.IsError ? $"it answers {settingsReply.Text}" : "";
        if (why.Length > 0) return false;
        if (!InfoReply.TryParse(infoReply, out var info) || info.RunId is not { Length: 40 } runId || info.IsMaster is not { } isMaster)
        {
            why = "its INFO has no run_id or role";
            return false;
        }

        var settings = Pairs(settingsReply);
        if (Number(settings, "replica-priority") is not { } priority || Number(settings, "min-replicas-to-write") is not { } minReplicas || Number(settings, "min-replicas-max-lag") is not { } maxLag)
        {
            why = "its CONFIG GET lacks a setting";
            return false;
        }

        var announced = Number(settings, "replica-announce-port") is { } port and > 0 and <= 65535 && settings.GetValueOrDefault("replica-announce-ip") is { Length: > 0 } host ? new RedisEndpoint(host, (int)port) : null;
        node = new HandOverNode
        {
            RunId = runId,
            Address = announced ?? asked,
            Role = isMaster ? NodeRole.Master : NodeRole.Replica,
            ReplicationId = info.ReplicationId ?? "",
            PreviousReplicationId = info.ReplicationId2 ?? "",
            PreviousEnded = info.SecondReplicationOffset,
            Offset = (isMaster ? info.MasterReplOffset : info.SlaveReplOffset ?? info.MasterReplOffset) ?? 0,
            MasterAddress = info.MasterEndpoint,
            LinkUp = info.MasterLinkUp ?? false,
            Silence = info.GetInt64("master_last_io_seconds_ago") is { } seconds and >= 0 ? TimeSpan.FromSeconds(seconds) : null,
            Syncing = info.MasterSyncInProgress ?? false,
            Loading = info.LoadingInProgress ?? false,
            Rewriting = (info.AofRewriteInProgress ?? false) || info.Get("aof_rewrite_scheduled") == "1",
            FailingOver = info.Get("master_failover_state") is not (null or "no-failover"),
            Priority = (int)Math.Clamp(priority, 0, int.MaxValue),
            MinReplicas = minReplicas,
            MaxLag = maxLag,
            Attached = info.Replicas.Count(r => r.State == "online" && (maxLag == 0 || r.LagSeconds <= maxLag)),
        };
        return true;
    }

    // A flat array (RESP2) or a map (RESP3) of names and values.
    private static Dictionary<string, string> Pairs(RespValue reply)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < reply.Items.Count; i += 2) pairs[reply.Items[i].Text] = reply.Items[i + 1].Text;
        return pairs;
    }

    private static long? Number(Dictionary<string, string> settings, string name) =>
        settings.GetValueOrDefault(name) is { Length: > 0 } text && text.All(char.IsAsciiDigit) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
