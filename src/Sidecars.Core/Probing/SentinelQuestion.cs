using System.Globalization;
using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;

namespace Sidecars.Core.Probing;

/// <summary>
/// Asks the Sentinels, one after the other, whom they name, until a majority can no longer contradict. Each has a small
/// budget of the one deadline: a dead one is unknown, never a reason to fail.
/// </summary>
internal sealed class SentinelQuestion(ProbeRequest request, CallDeadline deadline, TimeProvider time, RespLimits limits)
{
    // A Sentinel answers within 2 ms; this is a node whose packets vanish. Three of them leave a third of the default deadline.
    private static readonly TimeSpan MaxBudget = TimeSpan.FromMilliseconds(200);

    public static RespCommand Master(string name) => RespCommand.Of("SENTINEL", "MASTER", name);

    public SentinelVotes Ask(Func<SentinelMaster, bool> agrees)
    {
        var agreeing = 0;
        var contradicting = 0;
        var other = "";
        var majority = (request.SentinelCount / 2) + 1;
        var sentinels = Addresses();
        // Another one first at each probe: they share the load.
        var first = sentinels.Count == 0 ? 0 : Environment.ProcessId % sentinels.Count;
        for (var i = 0; i < sentinels.Count; i++)
        {
            if (agreeing > request.SentinelCount - majority || contradicting >= majority) break;
            var budget = deadline.Remaining / (sentinels.Count - i);
            if (budget < TimeSpan.FromMilliseconds(1)) break;
            var named = Named(sentinels[(first + i) % sentinels.Count], budget < MaxBudget ? budget : MaxBudget);
            if (named is null) continue;
            if (agrees(named))
            {
                agreeing++;
            }
            else
            {
                contradicting++;
                other = named.ToString();
            }
        }

        return new SentinelVotes { Expected = request.SentinelCount, Agreeing = agreeing, Contradicting = contradicting, Other = other };
    }

    private SentinelMaster? Named(RedisEndpoint sentinel, TimeSpan budget)
    {
        try
        {
            using var exchange = new ProbeExchange(
                ProbeConnector.Connect(sentinel, budget, time, limits, request.Secure), request.Credentials, request.OpenCredential);
            return SentinelMaster.Read(exchange.Ask(Master(request.MasterName))[0]);
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    // A name is one Sentinel for each of its addresses (a headless Service); one that does not resolve in time is nobody.
    private List<RedisEndpoint> Addresses()
    {
        var addresses = new List<RedisEndpoint>();
        foreach (var sentinel in request.Sentinels)
        {
            if (IPAddress.TryParse(sentinel.Host, out _))
            {
                addresses.Add(sentinel);
                continue;
            }

            foreach (var address in ProbeConnector.Resolve(sentinel.Host, deadline.Remaining / 2)) addresses.Add(new RedisEndpoint(address.ToString(), sentinel.Port));
        }

        return addresses;
    }
}

/// <summary>The master that a Sentinel names: address as told, and the run id of the process it saw there ("" for none).</summary>
internal sealed class SentinelMaster(string host, string port, string runId)
{
    public string Host => host;

    public string Port => port;

    public string RunId => runId;

    /// <summary>Null for an error, a null, or a map without address.</summary>
    public static SentinelMaster? Read(RespValue? reply) =>
        FlatMap.Get(reply, "ip") is { Length: > 0 } host && FlatMap.Get(reply, "port") is { } port ? new SentinelMaster(host, port, FlatMap.Get(reply, "runid") ?? "") : null;

    public bool IsSamePlace(SentinelMaster other) => host == other.Host && port == other.Port;

    public override string ToString() => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
}

/// <summary>What Sentinels may know this Redis by. The run id alone would be old for some seconds after a restart, the address alone may lead to another process.</summary>
internal sealed class OwnIdentity(string? runId, List<string> hosts, string port)
{
    public static OwnIdentity Of(ProbeRequest request, string? runId, RespValue? config)
    {
        List<string> hosts = [request.Endpoint.Host, .. request.OwnHosts];
        if (FlatMap.Get(config, "replica-announce-ip") is { Length: > 0 } announced) hosts.Add(announced);
        var port = FlatMap.Get(config, "replica-announce-port") is { } text and not ("" or "0") ? text : request.Endpoint.Port.ToString(CultureInfo.InvariantCulture);
        return new OwnIdentity(runId, hosts, port);
    }

    public bool IsNamedBy(SentinelMaster named)
    {
        if (runId is not null && named.RunId == runId) return true;
        if (named.Port != port) return false;
        foreach (var host in hosts)
        {
            if (string.Equals(host, named.Host, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}

/// <summary>RESP2's maps: an array of key, value, key, value.</summary>
internal static class FlatMap
{
    public static string? Get(RespValue? map, string key)
    {
        if (map is not { IsAggregate: true }) return null;
        for (var i = 0; i + 1 < map.Items.Count; i += 2)
        {
            if (ReplyText.TryText(map.Items[i], out var name) && name == key && ReplyText.TryText(map.Items[i + 1], out var text)) return text;
        }

        return null;
    }
}
