using Sidecars.Core.Redis;

namespace Sidecars.Failover.Watch;

/// <summary>
/// Cuts every client but the caller, so that none goes on with a server that is no master any more. A connection that has subscribed is
/// of type <c>pubsub</c> from then on and would stay, silent for ever; Sentinels' own subscriptions are cut too, and reconnect within a
/// second, as after each failover of theirs, in which they send the same two commands (sentinelSendReplicaOf in sentinel.c).
/// </summary>
internal static class CutClients
{
    /// <summary>Clients that send commands.</summary>
    public static RespCommand Normal { get; } = RespCommand.Of("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");

    /// <summary>Clients that have subscribed.</summary>
    public static RespCommand Subscribed { get; } = RespCommand.Of("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes");
}
