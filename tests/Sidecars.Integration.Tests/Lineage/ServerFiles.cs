using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Lineage;

/// <summary>Inline commands to a real server and the facts of its INFO.</summary>
internal static class ServerFiles
{
    public static readonly string[] Rdb = ["save 3600 1"];
    public static readonly string[] Aof = ["appendonly yes", "aof-timestamp-enabled yes"];

    public static string[] ReplicaOf(RedisProcess master, params string[] lines) => [.. lines, $"replicaof 127.0.0.1 {master.Port}"];

    /// <summary>One inline command; the raw reply.</summary>
    public static async Task<string> CallAsync(RedisProcess server, string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Endpoint.Host, server.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\nQUIT\r\n")); // QUIT: the end of the reply is the end of the stream
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    public static async Task SetAsync(RedisProcess server, int from, int count)
    {
        for (var i = from; i < from + count; i++)
            Assert.StartsWith("+OK", await CallAsync(server, string.Create(CultureInfo.InvariantCulture, $"SET key{i} value{i}")),
                StringComparison.Ordinal);
    }

    public static async Task<string> InfoAsync(RedisProcess server, string field)
    {
        var text = await CallAsync(server, "INFO everything");
        return text.Split("\r\n").FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal))?[(field.Length + 1)..] ?? "";
    }

    public static async Task<ReplicationPosition> PositionAsync(RedisProcess server)
    {
        Assert.True(ReplicationId.TryParse(await InfoAsync(server, "master_replid"), out var id));
        return new ReplicationPosition(id, long.Parse(await InfoAsync(server, "master_repl_offset"), CultureInfo.InvariantCulture));
    }

    public static Task WaitForLinkAsync(RedisProcess replica) =>
        replica.Process.WaitUntilAsync("the link to the master is up", async () => await InfoAsync(replica, "master_link_status") == "up");

    /// <summary>After a full sync: until the new AOF is the one that the manifest names.</summary>
    public static Task WaitForRewriteAsync(RedisProcess server) =>
        server.Process.WaitUntilAsync("no rewrite runs", async () => await InfoAsync(server, "aof_rewrite_in_progress") == "0"
            && await InfoAsync(server, "aof_rewrite_scheduled") == "0");

    /// <summary>
    /// Acknowledged writes wait in memory while an fsync is under way (up to 2 s; often after a rewrite): kill -9 would lose them.
    /// </summary>
    public static Task WaitForAofWrittenAsync(RedisProcess server) =>
        server.Process.WaitUntilAsync("the AOF buffer is written", async () => await InfoAsync(server, "aof_buffer_length") == "0");

    public static Task WaitForKeysAsync(RedisProcess server, int keys) =>
        server.Process.WaitUntilAsync(
            $"{keys} keys", async () => (await CallAsync(server, "DBSIZE")).StartsWith($":{keys}\r\n", StringComparison.Ordinal));

    public static DiskEvidence Read(RedisProcess server, Durability durability) => DiskEvidenceReader.Read(server.Folder, durability);
}
