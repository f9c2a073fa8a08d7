using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Watch;

/// <summary>Asks and sets the server beside this process, each time on a new connection. IO only.</summary>
/// <param name="transport">To it.</param>
/// <param name="options">Credentials and deadlines.</param>
/// <param name="freshLag">Seconds within which a replica must have acknowledged to count.</param>
public sealed class OwnServerClient(Func<IRespTransport> transport, RedisClientOptions options, int freshLag)
{
    /// <summary>Opens the connection whose end tells of a death.</summary>
    /// <exception cref="RedisConnectionException">No connection.</exception>
    public Task<RedisClient> ConnectAsync(CancellationToken cancellation) => RedisClient.ConnectAsync(transport(), options, cancellation);

    /// <summary>Looks once; never <see cref="OwnServer.Dead"/>: one refusal is no proof, the server may not have started yet.</summary>
    public async Task<(OwnServer Server, NodeLook? Look)> LookAsync(CancellationToken cancellation)
    {
        try
        {
            var (look, why, _) = await NodeClient.LookAsync(transport(), options, withSettings: true, cancellation).ConfigureAwait(false);
            return look is not null ? (OwnServer.Answers.Of(look, freshLag), look) : (new OwnServer.Silent(why), null);
        }
        catch (RedisConnectionException e)
        {
            return (new OwnServer.Silent(e.Message), null);
        }
    }

    /// <summary>
    /// Refuses writes on a master and cuts its clients, so that none goes on with an old answer. Whichever process it is: a fence
    /// on the wrong one is lifted within a look at a majority that names it. A replica keeps its clients, a step-down's coordinator among
    /// them. Null where it is done, else why not.
    /// </summary>
    public Task<string?> FenceAsync(long minReplicas, long maxLag, CancellationToken cancellation) => WithAsync(
        async client =>
        {
            var role = await client.CallAsync(cancellation, "ROLE").ConfigureAwait(false);
            if (!RoleReply.TryParse(role, out var now) || now is not RoleReply.Master) return "it is no longer a master";
            // A step-down refuses writes already, and cutting its connection would leave it half done.
            var value = await client.CallAsync(cancellation, "CONFIG", "GET", "min-replicas-to-write").ConfigureAwait(false);
            if (new ConfigReply(value).MinReplicas == WriteFence.StepDown) return StepDownFence;
            var replies = await client.PipelineAsync(
                [MinReplicas(minReplicas, maxLag), CutClients.Normal, CutClients.Subscribed], cancellation).ConfigureAwait(false);
            return replies.FirstOrDefault(r => r.IsError) is { } refused ? refused.Text : null;
        },
        cancellation);

    /// <summary>Permits writes on a server whose run id is still <paramref name="runId"/>. Null where it is done, else why not.</summary>
    public Task<string?> LiftAsync(string runId, long minReplicas, long maxLag, CancellationToken cancellation) => WithAsync(
        runId, RespCommand.Of("INFO", "server"),
        async (client, _) =>
        {
            var set = await client.CallAsync(MinReplicas(minReplicas, maxLag), cancellation).ConfigureAwait(false);
            return set.IsError ? $"CONFIG SET: {set.Text}" : null;
        },
        cancellation);

    /// <summary>
    /// REPLICAOF NO ONE on a server that is still this process, and still a replica of <paramref name="itself"/> without a link. Null where
    /// it is done, else why not.
    /// </summary>
    public Task<string?> PromoteSelfReplicaAsync(string runId, RedisEndpoint itself, CancellationToken cancellation) => WithAsync(
        runId, NodeLook.InfoCommand,
        async (client, reply) =>
        {
            if (reply.IsMaster != false || reply.MasterEndpoint != itself || reply.MasterLinkUp != false)
                return $"it is no longer an unlinked replica of {itself}";
            var set = await client.CallAsync(cancellation, "REPLICAOF", "NO", "ONE").ConfigureAwait(false);
            return set.IsError ? set.Text : null;
        },
        cancellation);

    /// <summary>Why a fence is not set: the server refuses writes for a hand-over.</summary>
    public const string StepDownFence = "a step-down refuses writes there already";

    private static RespCommand MinReplicas(long value, long maxLag) =>
        RespCommand.Of("CONFIG", "SET", "min-replicas-to-write", Text(value), "min-replicas-max-lag", Text(maxLag));

    private async Task<string?> WithAsync(Func<RedisClient, Task<string?>> action, CancellationToken cancellation)
    {
        try
        {
            var client = await ConnectAsync(cancellation).ConfigureAwait(false);
            await using (client.ConfigureAwait(false)) return await action(client).ConfigureAwait(false);
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    // On that very process.
    private async Task<string?> WithAsync(
        string runId, RespCommand info, Func<RedisClient, InfoReply, Task<string?>> action, CancellationToken cancellation)
    {
        var (opened, why) = await ProcessConnection.OpenAsync(transport(), options, runId, info, [], cancellation).ConfigureAwait(false);
        if (opened is null) return why;
        try
        {
            await using (opened.Client.ConfigureAwait(false)) return await action(opened.Client, opened.Info).ConfigureAwait(false);
        }
        catch (RedisConnectionException e)
        {
            return e.Message;
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
