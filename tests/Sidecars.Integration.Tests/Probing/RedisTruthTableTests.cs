using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>The truth table of manifests/docs/probes.md for Redis: the published redis-probe against real servers in every state.</summary>
public sealed class RedisTruthTableTests
{
    // For servers that never answer: the probe waits for all of it.
    private const int Short = 300;
    private static readonly RedisClientOptions Options =
        new() { ConnectTimeout = TimeSpan.FromSeconds(10), CommandTimeout = TimeSpan.FromSeconds(30) };

    [Fact]
    public async Task Fresh_master()
    {
        await using var redis = await RedisProcess.StartAsync();
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "PONG"), (true, "alive: PONG"), (true, "ready: master at offset 0, 0 replicas online"));
    }

    [Fact]
    public async Task Loading_a_large_data_set_says_how_far_it_is()
    {
        // 0.2 ms a key: 20 s of loading, in which the event loop turns once a KiB.
        await using var redis = await RedisProcess.StartAsync(
            "enable-debug-command yes", "key-load-delay 200", "loading-process-events-interval-bytes 1024");
        await using var client = await ConnectAsync(redis.Endpoint);
        _ = await client.CallAsync(default, "DEBUG", "POPULATE", "100000");
        var reload = client.CallAsync(default, "DEBUG", "RELOAD");
        await using var watching = await ConnectAsync(redis.Endpoint);
        await Eventually.UntilAsync("the server loads", async () => (await watching.CallAsync(default, "PING")).ErrorCode == "LOADING");
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "loading its data: "), (true, " %, ETA "), (false, "not ready: loading its data: "));
        await redis.Process.KillAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => reload);
    }

    [Fact]
    public async Task Loading_a_large_file_at_full_speed()
    {
        await using var redis = await RedisProcess.StartAsync("enable-debug-command yes", "save 3600 1", "rdbcompression no");
        await using (var client = await ConnectAsync(redis.Endpoint))
        {
            _ = await client.CallAsync(default, "DEBUG", "POPULATE", "1000000", "key", "64");
            Assert.Equal("OK", (await client.CallAsync(default, "SAVE")).Text);
        }

        await redis.Process.KillAsync();
        // As a pod that comes back: asked from the first moment, refused until it listens, then loading.
        await using var again = await ServerProcess.StartAsync(redis.Process.Start);
        await again.WaitUntilAsync("it loads", async () => (await ProbeRun.RunAsync("startup", ProbeRun.At(redis.Endpoint))).Output
            .StartsWith("started: loading its data: ", StringComparison.Ordinal));
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "loading its data: "), (true, "(LOADING)"), (false, "not ready: loading its data: "));
    }

    [Fact]
    public async Task Busy_with_a_script()
    {
        await using var redis = await RedisProcess.StartAsync("busy-reply-threshold 10");
        await using var client = await ConnectAsync(redis.Endpoint);
        var script = client.CallAsync(default, "EVAL", "while true do end", "0");
        await using var watching = await ConnectAsync(redis.Endpoint);
        await Eventually.UntilAsync("the script is slow", async () => (await watching.CallAsync(default, "PING")).ErrorCode == "BUSY");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint), (true, "(BUSY)"), (true, "busy with a script"), (false, "busy with a script"));
        await redis.Process.KillAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => script);
    }

    [Fact]
    public async Task Snapshots_that_fail()
    {
        await using var redis = await RedisProcess.StartAsync("save 3600 1");
        // What a full disk does to the snapshot, its rename onto a folder does too.
        Directory.CreateDirectory(Path.Combine(redis.Folder, "dump.rdb"));
        await using var client = await ConnectAsync(redis.Endpoint);
        _ = await client.CallAsync(default, "BGSAVE");
        await Eventually.UntilAsync("PING says MISCONF", async () => (await client.CallAsync(default, "PING")).ErrorCode == "MISCONF");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint), (true, "(MISCONF)"), (true, "is the disk full?"), (false, "(MISCONF)"));
    }

    [SmallDiskFact]
    public async Task A_disk_that_is_full()
    {
        using var disk = new SmallDisk(megabytes: 8);
        using var folder = new TempFolder("probe");
        await using var redis = await RedisProcess.StartAsync($"dir {disk.Path}", "save 3600 1", "rdbcompression no");
        await using var client = await ConnectAsync(redis.Endpoint);
        var full = ProbeRun.At(redis.Endpoint);
        _ = await client.CallAsync(default, "SET", "key", new string('v', 1 << 20));
        disk.Fill();
        Assert.Contains("started", (await client.CallAsync(default, "BGSAVE")).Text, StringComparison.Ordinal);
        await Eventually.UntilAsync("PING says MISCONF", async () => (await client.CallAsync(default, "PING")).ErrorCode == "MISCONF");
        Assert.Equal("MISCONF", (await client.CallAsync(default, "SET", "key", "v")).ErrorCode);
        await ProbeRun.RowAsync(full, (true, "(MISCONF)"), (true, "is the disk full?"), (false, "writes are refused (MISCONF)"));

        disk.Empty();
        _ = await client.CallAsync(default, "BGSAVE");
        await Eventually.UntilAsync("it can save again", async () => !(await client.CallAsync(default, "PING")).IsError);
        await ProbeRun.RowAsync(full, (true, "PONG"), (true, "PONG"), (true, "master"));
    }

    [Fact]
    public async Task Replica_without_its_master()
    {
        await using var redis = await RedisProcess.StartAsync("replica-serve-stale-data no", $"replicaof 127.0.0.1 {FreePort.Next()}");
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "(MASTERDOWN)"), (true, "a replica without its master"), (false, "(MASTERDOWN)"));
        await using var stale = await RedisProcess.StartAsync($"replicaof 127.0.0.1 {FreePort.Next()}");
        await ProbeRun.RowAsync(
            ProbeRun.At(stale.Endpoint), (true, "PONG"), (true, "PONG"), (false, "not ready: the link to master 127.0.0.1:"));
    }

    [Fact]
    public async Task Replica_in_a_full_sync_and_in_sync()
    {
        // 1 ms a key, diskless: the copy takes 5 s.
        await using var master = await RedisProcess.StartAsync("enable-debug-command yes", "rdb-key-save-delay 1000");
        await using var toMaster = await ConnectAsync(master.Endpoint);
        _ = await toMaster.CallAsync(default, "DEBUG", "POPULATE", "5000", "k", "1000");
        await using var replica = await RedisProcess.StartAsync($"replicaof 127.0.0.1 {master.Port}");
        await using var toReplica = await ConnectAsync(replica.Endpoint);
        await Eventually.UntilAsync(
            "the copy is under way", async () => (await RoleAsync(toReplica)) is RoleReply.Replica { Link: ReplicaLink.Sync });
        await ProbeRun.RowAsync(
            ProbeRun.At(replica.Endpoint), (true, ""), (true, ""), (false, "not ready: a full copy is being received from 127.0.0.1:"));

        _ = await toMaster.CallAsync(default, "CONFIG", "SET", "rdb-key-save-delay", "0");
        await Eventually.UntilAsync("the replica is in sync",
            async () => (await RoleAsync(toReplica)) is RoleReply.Replica { Link: ReplicaLink.Connected }, TimeSpan.FromSeconds(60));
        await ProbeRun.RowAsync(ProbeRun.At(replica.Endpoint), (true, "PONG"), (true, "PONG"), (true, "ready: replica of 127.0.0.1:"));

        // A master that stands still: the link stays, what is heard of it grows old.
        master.Process.Pause();
        await Eventually.UntilAsync("the master is silent for two seconds", async () =>
            InfoReply.TryParse(await toReplica.CallAsync(default, "INFO", "replication"), out var info)
            && info.GetInt64("master_last_io_seconds_ago") >= 2);
        await ProbeRun.RowAsync(ProbeRun.At(replica.Endpoint, more: ("PROBE_MAX_LAG", "1")), (true, "PONG"), (true, "PONG"),
            (false, "s ago, more than 1s"));
        await ProbeRun.RowAsync(ProbeRun.At(replica.Endpoint, more: ("PROBE_MAX_LAG", "60")), (true, "PONG"), (true, "PONG"),
            (true, "link connected at offset"));
    }

    [Fact]
    public async Task Passwords_missing_wrong_old_and_new()
    {
        await using var redis = await RedisProcess.StartAsync(
            "requirepass open-sesame", "user sidecar-tenant/redis on >new +ping +role +info +config|get");
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "(NOAUTH), and the probe has no password"), (true, "(NOAUTH)"), (false, "(NOAUTH)"));
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, more: ("SIDECAR_PASSWORD", "wrong")), (true, "AUTH was refused: WRONGPASS"),
            (true, "(NOAUTH)"), (false, "WRONGPASS"));
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint, more: ("SIDECAR_PASSWORD", "new")), (true, "PONG"), (true, "PONG"), (true, "master"));
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, more: [("SIDECAR_PASSWORD", "newer"), ("SIDECAR_PASSWORD_PREVIOUS", "new")]),
            (true, "PONG"), (true, "PONG"), (true, "master"));
        using var folder = new TempFolder("probe");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, more: ("REDIS_PASSWORD_FILE", folder.Write("password", "open-sesame\n"))),
            (true, "PONG"), (true, "PONG"), (true, "master"));
    }

    [Fact]
    public async Task A_password_file_that_is_missing_is_a_mistake_at_startup_and_kills_nothing_later()
    {
        using var folder = new TempFolder("probe");
        await using var redis = await RedisProcess.StartAsync(
            "user default off", "user sidecar-tenant/redis on >secret +ping +role +info +config|get");
        foreach (var file in new[] { "/nonexistent", folder.Path, folder.Write("empty", ""), folder.Write("two-lines", "hidden\nhidden") })
        {
            var environment = ProbeRun.At(redis.Endpoint, more: ("SIDECAR_PASSWORD_FILE", file));
            var (startup, liveness, readiness) = (await ProbeRun.RunAsync("startup", environment),
                await ProbeRun.RunAsync("liveness", environment), await ProbeRun.RunAsync("readiness", environment));
            Assert.True(
                startup.Code == 2 && startup.Errors.Contains("SIDECAR_PASSWORD_FILE", StringComparison.Ordinal), startup.ToString());
            Assert.True(liveness.Code == 0 && liveness.Output.Contains("(NOAUTH)", StringComparison.Ordinal)
                && liveness.Output.Contains("; SIDECAR_PASSWORD_FILE ", StringComparison.Ordinal)
                && liveness.Output.Contains(file, StringComparison.Ordinal),
                liveness.ToString());
            Assert.True(readiness.Code == 1 && readiness.Output.Contains("(NOAUTH)", StringComparison.Ordinal)
                && readiness.Output.Contains("SIDECAR_PASSWORD_FILE", StringComparison.Ordinal),
                readiness.ToString());
            Assert.DoesNotContain("hidden", startup.Errors + liveness.Output + readiness.Output, StringComparison.Ordinal);
            // The other half of a rotation still works.
            environment["SIDECAR_PASSWORD_PREVIOUS"] = "secret";
            Assert.StartsWith("ready: master", (await ProbeRun.RunAsync("readiness", environment)).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_user_who_may_not_call_info_or_config()
    {
        await using var redis = await RedisProcess.StartAsync("user default off", "user sidecar-tenant/redis on >secret +ping +role");
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint, more: ("SIDECAR_PASSWORD", "secret")), (true, "PONG"), (true, "PONG"), (true, "fence unknown"));
        await using var bare = await RedisProcess.StartAsync("user default off", "user sidecar-tenant/redis on >secret");
        await ProbeRun.RowAsync(
            ProbeRun.At(bare.Endpoint, more: ("SIDECAR_PASSWORD", "secret")), (true, "(NOPERM)"), (true, "(NOPERM)"), (false, "(NOPERM)"));
    }

    [Fact]
    public async Task An_open_group_lets_its_service_user_in_by_name()
    {
        await using var redis = await RedisProcess.StartAsync(
            "user default off", "user sidecar-tenant/redis on nopass +ping +role +info +config|get");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint), (true, "PONG"), (true, "PONG"), (true, "master"));
    }

    [Fact]
    public async Task Full()
    {
        await using var redis = await RedisProcess.StartAsync("maxclients 1");
        await using var only = await ConnectAsync(redis.Endpoint);
        await Eventually.UntilAsync(
            "the one place is ours", async () => (await only.CallAsync(default, "CLIENT", "LIST")).Text.Split('\n').Length == 2);
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint), (true, "max number of clients"), (true, "max number of clients"),
            (false, "max number of clients"));
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, more: ("SIDECAR_PASSWORD", "any")), (true, "max number of clients"),
            (true, "max number of clients"), (false, "max number of clients"));
    }

    [Fact]
    public async Task Paused_is_told_from_stopped()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var client = await ConnectAsync(redis.Endpoint);
        _ = await client.CallAsync(default, "CLIENT", "PAUSE", "100000", "WRITE");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint), (true, "PONG"), (true, "PONG"), (true, "master"));
        _ = await client.CallAsync(default, "CLIENT", "PAUSE", "100000", "ALL");
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, 800), (true, "paused (CLIENT PAUSE)"), (true, "paused (CLIENT PAUSE)"),
            (false, "does not answer within 800ms"));
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint, 800, ("SIDECAR_PASSWORD", "any")), (true, "paused"), (true, "paused"), (false, "does not answer"));
        redis.Process.Pause();
        await ProbeRun.RowAsync(ProbeRun.At(redis.Endpoint, Short), (false, "does not answer within 300ms"),
            (false, "not alive: 127.0.0.1:"), (false, "does not answer"));
    }

    [Fact]
    public async Task Nothing_listens()
    {
        var nobody = ProbeRun.At(new RedisEndpoint("127.0.0.1", FreePort.Next()));
        await ProbeRun.RowAsync(
            nobody, (false, "nothing listens at 127.0.0.1:"), (false, "no fresh heartbeat"), (false, "nothing listens"));
        nobody["REDIS_SOCKET"] = "/nonexistent/redis.sock";
        await ProbeRun.RowAsync(nobody, (false, "/nonexistent/redis.sock"), (false, "nothing listens"), (false, "nothing listens"));
    }

    [Fact]
    public async Task Listeners_that_are_no_redis()
    {
        await using var web = FakeRedisServer.GreetingThenClosing(FakeReply.Raw("HTTP/1.1 400 Bad Request\r\n\r\n"));
        await ProbeRun.RowAsync(ProbeRun.At(web.Endpoint), (false, "is not Redis"), (false, "is not Redis"), (false, "is not Redis"));
        await using var half = FakeRedisServer.SendingThenClosing(FakeReply.Raw("+PO"));
        await ProbeRun.RowAsync(ProbeRun.At(half.Endpoint), (false, "without a whole reply"), (false, "without a whole reply"),
            (false, "without a whole reply"));
        await using var hanging = FakeRedisServer.Answering(_ => FakeReply.Raw("$100\r\nPO"));
        await ProbeRun.RowAsync(
            ProbeRun.At(hanging.Endpoint, Short), (false, "does not answer"), (false, "does not answer"), (false, "does not answer"));
    }

    [Fact]
    public async Task A_fence_and_a_requirement_that_is_not_met()
    {
        await using var redis = await RedisProcess.StartAsync("min-replicas-to-write 1");
        await using var client = await ConnectAsync(redis.Endpoint);
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "PONG"), (true, "PONG"), (true, "writes refused until 1 replicas are in sync (0 are)"));
        _ = await client.CallAsync(default, "CONFIG", "SET", "min-replicas-to-write", "1000000");
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint), (true, "PONG"), (true, "PONG"), (false, "is fenced (min-replicas-to-write 1000000)"));
    }

    [Fact]
    public async Task A_waiting_bootstrap_is_alive_as_long_as_its_heartbeat_is_fresh()
    {
        using var folder = new TempFolder("probe");
        var heartbeat = new HeartbeatFile(folder.File("bootstrap.json"), "redis-bootstrap redis", TimeProvider.System);
        Assert.Null(heartbeat.Beat("no-majority", "no majority of Sentinels", "redis-1", "redis-2"));
        var nobody = ProbeRun.At(new RedisEndpoint("127.0.0.1", FreePort.Next()), more: ("CONFIG_DIR", folder.Path));
        const string Says = "redis-bootstrap waits: no majority of Sentinels (for redis-1, redis-2)";
        await ProbeRun.RowAsync(nobody, (true, Says), (true, Says), (false, Says));
        var old = new HeartbeatDocument
        {
            Component = "redis-bootstrap redis",
            Pid = 1,
            Code = "c",
            Reason = "r",
            Since = DateTimeOffset.UtcNow,
            WrittenAt = DateTimeOffset.UtcNow - HeartbeatFile.MaxAge - TimeSpan.FromSeconds(2)
        };
        File.WriteAllBytes(folder.File("bootstrap.json"), old.ToBytes());
        await ProbeRun.RowAsync(nobody, (false, "no fresh heartbeat"), (false, "no fresh heartbeat"), (false, "no fresh heartbeat"));
    }

    [Fact]
    public async Task One_connection_closed_in_order_and_a_unix_socket()
    {
        using var folder = new TempFolder("probe");
        var socket = folder.File("r.sock");
        await using var redis = await RedisProcess.StartAsync("unixsocket " + socket, "requirepass secret");
        await using var client = await ConnectAsync(redis.Endpoint, "secret");
        var before = await ConnectionsAsync(client);
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint, more: [("REDIS_SOCKET", socket), ("REDIS_PASSWORD", "secret")]), (true, "PONG"), (true, "PONG"),
            (true, "master"));
        await ProbeRun.RowAsync(
            ProbeRun.At(redis.Endpoint, more: ("REDIS_PASSWORD", "secret")), (true, "PONG"), (true, "PONG"), (true, "master"));
        Assert.Equal(before + 6, await ConnectionsAsync(client));
        await Eventually.UntilAsync(
            "no connection is left behind", async () => (await client.CallAsync(default, "CLIENT", "LIST")).Text.Split('\n').Length == 2);
    }

    private static async Task<long> ConnectionsAsync(RedisClient client) =>
        InfoReply.TryParse(await client.CallAsync(default, "INFO", "stats"), out var info)
            ? info.GetInt64("total_connections_received")!.Value
            : -1;

    private static async Task<RoleReply?> RoleAsync(RedisClient client) =>
        RoleReply.TryParse(await client.CallAsync(default, "ROLE"), out var role) ? role : null;

    private static async Task<RedisClient> ConnectAsync(RedisEndpoint endpoint, string? password = null) => await RedisClient.ConnectAsync(
        new TcpTransport(endpoint),
        password is null ? Options : Options with { Credentials = [new RedisCredential(null, password)] }, default);
}
