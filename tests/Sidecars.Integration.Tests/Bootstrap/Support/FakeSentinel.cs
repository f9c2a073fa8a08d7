using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.FakeRedis;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>What a <see cref="FakeSentinel"/> says; changed by replacing it.</summary>
internal sealed record FakeSentinelView
{
    public RedisEndpoint? Master { get; init; }

    public long Epoch { get; init; } = 1;

    public string Flags { get; init; } = "master";

    public string RunId { get; init; } = "";

    public bool Tilt { get; init; }

    public IReadOnlyList<RedisEndpoint> Replicas { get; init; } = [];
}

/// <summary>A Sentinel whose opinion is the test's: for views that real ones reach only by rare races.</summary>
internal sealed class FakeSentinel : IAsyncDisposable
{
    private readonly FakeRedisServer _server;
    private readonly string _id;

    public FakeSentinel(char id, FakeSentinelView view)
    {
        (_id, View) = (new string(id, 40), view);
        _server = FakeRedisServer.Answering(Answer);
    }

    public FakeSentinelView View { get; set; }

    public RedisEndpoint Endpoint => _server.Endpoint;

    public int Failovers => _server.CommandLines.Count(line => line.StartsWith("SENTINEL FAILOVER", StringComparison.Ordinal));

    public int Shutdowns => _server.CommandLines.Count(line => line == "SHUTDOWN");

    public int Connections => _server.Connections;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private byte[] Answer(IReadOnlyList<string> command) => (command[0] == "SENTINEL" ? command[1] : command[0]) switch
    {
        "AUTH" or "FAILOVER" => FakeReply.Ok,
        "MYID" => FakeReply.Bulk(_id),
        "INFO" => FakeReply.Bulk($"# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:{(View.Tilt ? 1 : 0)}\r\n"),
        "SHUTDOWN" => throw new OperationCanceledException(), // closes without a reply, as Sentinel does
        _ when View.Master is null =>
            command[1] == "GET-MASTER-ADDR-BY-NAME" ? FakeReply.NullArray : FakeReply.Error("ERR No such master with that name"),
        "GET-MASTER-ADDR-BY-NAME" => FakeReply.Array(View.Master.Host, Number(View.Master.Port)),
        "MASTER" => FakeReply.Array(
            "name", "test.loose", "ip", View.Master.Host, "port", Number(View.Master.Port), "runid", View.RunId,
            "flags", View.Flags, "role-reported", "master", "config-epoch", Number(View.Epoch), "quorum", "2"),
        "REPLICAS" => FakeReply.Array([.. View.Replicas.Select(Replica)]),
        "SENTINELS" => FakeReply.Array(Array.Empty<byte[]>()),
        _ => FakeReply.Error($"ERR unknown command '{command[0]}'"),
    };

    private static byte[] Replica(RedisEndpoint at) => FakeReply.Array(
        "name", at.ToString(), "ip", at.Host, "port", Number(at.Port), "flags", "slave", "slave-priority", "100",
        "slave-repl-offset", "1", "master-link-status", "err");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
