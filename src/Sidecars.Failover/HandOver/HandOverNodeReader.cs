using System.Diagnostics.CodeAnalysis;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>A look at a Redis → <see cref="HandOverNode"/>.</summary>
public static class HandOverNodeReader
{
    /// <summary>False, with a reason, where something is missing that a decision needs.</summary>
    public static bool TryRead(RedisEndpoint asked, NodeLook look, [NotNullWhen(true)] out HandOverNode? node, out string why)
    {
        ArgumentNullException.ThrowIfNull(look);
        (node, why) = (null, "");
        if (look is not { Priority: { } priority, MinReplicas: { } minReplicas, MaxLag: { } maxLag })
        {
            why = "its CONFIG GET lacks a setting";
            return false;
        }

        node = new HandOverNode
        {
            RunId = look.RunId,
            Address = look.Announced ?? asked,
            Role = look.Role,
            ReplicationId = look.ReplicationId,
            PreviousReplicationId = look.PreviousReplicationId,
            Offset = look.Offset ?? 0,
            MasterAddress = look.MasterAddress,
            LinkUp = look.MasterLinkUp,
            Silence = look.Silence,
            Syncing = look.SyncInProgress,
            Loading = look.Loading,
            Rewriting = look.Rewriting,
            FailingOver = look.FailingOver,
            Priority = priority,
            MinReplicas = minReplicas,
            MaxLag = maxLag,
            Attached = look.Attached,
        };
        return true;
    }
}
