using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>What Sentinels may know this Redis by. The run id alone would be old for some seconds after a restart, the address alone may lead to another process.</summary>
internal sealed class OwnIdentity(string? runId, List<string> hosts, string port)
{
    public static OwnIdentity Of(ProbeRequest request, string? runId, RespValue? config)
    {
        List<string> hosts = [request.Endpoint.Host, .. request.OwnHosts];
        if (FlatMap.Get(config, "replica-announce-ip") is { Length: > 0 } announced) hosts.Add(announced);
        var port = FlatMap.Get(config, "replica-announce-port") is { } text and not ("" or "0") ? text : Digits.Of(request.Endpoint.Port);
        return new OwnIdentity(runId, hosts, port);
    }

    public bool IsNamedBy(NamedMaster named)
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
