using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.HandOver;

/// <summary>Looks at Redis servers and changes their settings. IO only; each call is a connection of its own.</summary>
/// <param name="transport">Makes the transport to an address.</param>
/// <param name="options">The sidecars' credentials and deadlines.</param>
public sealed class HandOverClient(Func<RedisEndpoint, IRespTransport> transport, RedisClientOptions options)
{
    private static readonly RespCommand Server = RespCommand.Of("INFO", "server");

    private readonly NodeClient _nodes = new(transport, options);

    /// <summary><see cref="NodeClient.ObserveAsync"/>, of which only a look with all settings is usable.</summary>
    public async Task<NodeObservation> ObserveAsync(RedisEndpoint endpoint, CancellationToken cancellation) =>
        WithSettings(await _nodes.ObserveAsync(endpoint, cancellation).ConfigureAwait(false));

    /// <summary>Every decision of a hand-over is taken from the settings too: a look without one of them is unknown.</summary>
    internal static NodeObservation WithSettings(NodeObservation seen) =>
        seen is NodeObservation.Known { View: { Priority: null } or { MinReplicas: null } or { MaxLag: null } }
            ? new NodeObservation.Unknown(seen.Endpoint, LoginRefused: false, "its CONFIG GET lacks a setting")
            : seen;

    /// <summary>A connection to that very process; null, with a reason, where it is not there.</summary>
    public async Task<(HandOverConnection? Connection, string Why)> OpenAsync(
        RedisEndpoint endpoint, string runId, CancellationToken cancellation)
    {
        var (opened, why) = await ProcessConnection.OpenAsync(
            transport(endpoint), options, runId, Server, [RespCommand.Of("CLIENT", "ID")], cancellation).ConfigureAwait(false);
        if (opened is null) return (null, why);
        if (opened.Replies is [{ Kind: RespKind.Integer, Integer: var id }]) return (new HandOverConnection(opened.Client, id), "");
        await opened.Client.DisposeAsync().ConfigureAwait(false);
        return (null, $"{endpoint} does not tell the id of a connection");
    }

    /// <summary>A connection to whatever process answers there; null, with a reason, where none does.</summary>
    public async Task<(HandOverConnection? Connection, string Why)> OpenAnyAsync(
        RedisEndpoint endpoint, CancellationToken cancellation)
    {
        try
        {
            return (new HandOverConnection(
                await RedisClient.ConnectAsync(transport(endpoint), options, cancellation).ConfigureAwait(false), id: 0), "");
        }
        catch (RedisConnectionException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>CONFIG SET on that very process; then CONFIG REWRITE where asked, whose failure (a read-only file) is no failure.</summary>
    public async Task<StepOutcome> ConfigureAsync(
        RedisEndpoint endpoint, string runId, string name, long value, bool rewrite, CancellationToken cancellation)
    {
        var (connection, _) = await OpenAsync(endpoint, runId, cancellation).ConfigureAwait(false);
        if (connection is null) return StepOutcome.Refused;
        await using (connection.ConfigureAwait(false))
        {
            var outcome = await connection.SendAsync([Set(name, value)], cancellation).ConfigureAwait(false);
            if (outcome == StepOutcome.Done && rewrite) _ = await connection.SendAsync([Rewrite], cancellation).ConfigureAwait(false);
            return outcome;
        }
    }

    internal const string MinReplicas = "min-replicas-to-write";

    internal const string Priority = "replica-priority";

    internal static RespCommand Rewrite { get; } = RespCommand.Of("CONFIG", "REWRITE");

    internal static RespCommand Set(string name, long value) =>
        RespCommand.Of("CONFIG", "SET", name, value.ToString(CultureInfo.InvariantCulture));

    internal static RespCommand Follow(RedisEndpoint master) =>
        RespCommand.Of("REPLICAOF", master.Host, master.Port.ToString(CultureInfo.InvariantCulture));

    internal static RespCommand FollowNobody { get; } = RespCommand.Of("REPLICAOF", "NO", "ONE");
}
