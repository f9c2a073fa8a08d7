using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>What a replica, or a server that loads, says about how far it got.</summary>
internal static class ReplicaPolicy
{
    public static ProbeVerdict Ready(ProbeRequest request, ProbeFacts facts, RoleReply.Replica replica)
    {
        var info = facts.Info;
        if (replica.Link == ReplicaLink.Sync || info?.MasterSyncInProgress == true)
            return ProbePolicy.Fail(request.Kind,
                $"a full copy is being received from {replica.Of.ToString()}{Progress(info)}: the data is neither old nor new");
        if (replica.Link != ReplicaLink.Connected)
            return ProbePolicy.Fail(
                request.Kind, $"the link to master {replica.Of.ToString()} is not up ({LinkName(replica.Link)}){Down(info)}");
        var lag = info?.GetInt64("master_last_io_seconds_ago");
        if (lag > request.MaxLagSeconds)
            return ProbePolicy.Fail(request.Kind, $"the master {replica.Of.ToString()} was last heard {Digits.Seconds(lag.Value)} ago, "
                + $"more than {Digits.Seconds(request.MaxLagSeconds)}");
        var behind = info?.GetInt64("slave_read_repl_offset") is { } read && info.SlaveReplOffset is { } applied && read > applied
            ? ", " + Digits.Of(read - applied) + " bytes not yet applied"
            : "";
        return ProbePolicy.Pass(request.Kind,
            $"replica of {replica.Of.ToString()}, link connected at offset {Digits.Of(replica.Offset)}{behind}, "
            + $"{(lag is { } seconds ? "master heard " + Digits.Seconds(seconds) + " ago" : "lag unknown (the user may not call INFO)")}");
    }

    /// <summary>Formats percentage and ETA, as sent: the probe never calculates with them.</summary>
    public static string Loading(InfoReply? info) =>
        info?.Get("loading_loaded_perc") is { } percent
            ? $"loading its data: {percent} %{(info.Get("loading_eta_seconds") is { } eta ? $", ETA {eta}s" : "")} (LOADING)"
            : "loading its data (LOADING)";

    public static string Down(InfoReply? info) =>
        info?.GetInt64("master_link_down_since_seconds") is { } seconds and >= 0 ? ", down for " + Digits.Seconds(seconds) : "";

    private static string Progress(InfoReply? info)
    {
        if (info?.GetInt64("master_sync_read_bytes") is not { } read) return "";
        return info.GetInt64("master_sync_total_bytes") is { } total and > 0
            ? $" ({Digits.Of((long)(read * 100.0 / total))} %, {Digits.Of(read)} of {Digits.Of(total)} bytes)"
            : " (" + Digits.Of(read) + " bytes)"; // a diskless sync has no known end
    }

    private static string LinkName(ReplicaLink link) => link switch
    {
        ReplicaLink.None => "none",
        ReplicaLink.Connect => "connect",
        ReplicaLink.Connecting => "connecting",
        ReplicaLink.Handshake => "handshake",
        _ => "unknown",
    };
}
