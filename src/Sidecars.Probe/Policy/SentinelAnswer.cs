using Sidecars.Core.Redis;

namespace Sidecars.Probe.Policy;

/// <summary>What one Sentinel said.</summary>
/// <param name="myId">40 hex digits; null: unknown.</param>
/// <param name="isTilt">True while it trusts its own clock no more.</param>
/// <param name="named">The master; null: it names none.</param>
internal sealed class SentinelAnswer(string? myId, bool isTilt, NamedMaster? named)
{
    public void CountIn(SentinelTally tally, Func<NamedMaster, bool> agrees) =>
        tally.Add(myId, isTilt, named?.ToString(), named is not null && agrees(named));

    /// <summary>What <see cref="Read"/> reads the replies of, in one packet.</summary>
    public static RespCommand[] Questions(string masterName) =>
        [RespCommand.Of("SENTINEL", "MYID"), RespCommand.Of("INFO", "sentinel"), NamedMaster.Question(masterName)];

    public static SentinelAnswer Read(ReadOnlySpan<RespValue?> replies) => new(
        replies[0] is { } id && ReplyText.TryText(id, out var text) && text.Length == 40 ? text : null,
        replies[1] is { } reply && InfoReply.TryParse(reply, out var info) && info.GetInt64("sentinel_tilt") == 1,
        NamedMaster.Read(replies[2]));
}

/// <summary>The master that a Sentinel names: address as told, and the run id of the process it saw there ("" for none).</summary>
internal sealed class NamedMaster(string host, string port, string runId)
{
    public string Host => host;

    public string Port => port;

    public string RunId => runId;

    public static RespCommand Question(string name) => RespCommand.Of("SENTINEL", "MASTER", name);

    /// <summary>Reads the answer; null for an error, a null, or a map without address.</summary>
    public static NamedMaster? Read(RespValue? reply) =>
        ReplyText.ValueOf(reply, "ip") is { Length: > 0 } host && ReplyText.ValueOf(reply, "port") is { } port
            ? new NamedMaster(host, port, ReplyText.ValueOf(reply, "runid") ?? "")
            : null;

    public bool IsSamePlace(NamedMaster other) => host == other.Host && port == other.Port;

    public override string ToString() => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
}
