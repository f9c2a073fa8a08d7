using Sidecars.Backup.Restore;
using Sidecars.Core.Redis;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>Every recorded second comes back as it was, byte for byte, through rewrites.</summary>
public class PointInTimeTests
{
    private static bool Soak => RunCount.Soak;

    [Fact]
    public async Task Each_recorded_second_is_restored_exactly_over_three_rewrites()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        var recorded = new List<(DateTimeOffset At, string Digest)>();
        var instants = Soak ? 20 : 4;
        await BackupRig.EndOfSecondAsync(client); // of the base: an instant in the same second is refused
        for (var i = 0; i < instants; i++)
        {
            await WriteAllKindsAsync(client, i);
            if (i < 3 || i % 4 == 0) await BackupRig.RewriteAsync(client);
            recorded.Add((await BackupRig.EndOfSecondAsync(client), await BackupRig.DigestAsync(rig.Redis)));
        }

        await WriteAllKindsAsync(client, instants);
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(instants, recorded.Select(r => r.Digest).Distinct().Count()); // else equality below would prove little
        foreach (var (at, digest) in recorded) Assert.Equal(digest, await rig.RestoredDigestAsync(RestorePlan.Show(at)));
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await rig.RestoredDigestAsync("latest"));
        var segments = await rig.Store.ListSegmentsAsync(1, 0, [], default);
        Assert.True(segments.Select(s => s.Sequence).Distinct().Count() >= 4, "the tail went through fewer than three rewrites");
        Assert.Equal(0, await sidecar.TerminateAsync());
        Assert.DoesNotContain(sidecar.Output, line => line.Contains("generation_ended", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_recorded_second_is_restored_exactly_over_a_failover_and_a_change_of_the_uploader()
    {
        await using var rig = await BackupRig.StartAsync("repl-ping-replica-period 1");
        await using var second = await FollowAsync(rig.Redis);
        var each = Soak ? 10 : 3;
        var recorded = new List<(DateTimeOffset At, string Digest)>();

        // The replica ships, and is promoted when the master dies: one stream.
        var sidecar = await BackupRig.StartSidecarAsync(second, rig.StorePath, "redis-1");
        await rig.WaitForBackupsAsync(1);
        await RecordAsync(rig.Redis, second, 0, each, recorded);
        await rig.Redis.Process.KillAsync();
        await using (var client = await BackupRig.ConnectAsync(second)) await BackupRig.CallAsync(client, "REPLICAOF", "NO", "ONE");
        await RecordAsync(second, second, each, each, recorded);
        await using var writer = await BackupRig.ConnectAsync(second);
        await WriteAllKindsAsync(writer, 1000); // what comes later in this stream shows that the seconds before are whole

        // Then its uploader is lost, and that of a new replica begins a generation of its own.
        await using var third = await FollowAsync(second);
        await rig.WaitUntilCoveredAsync();
        await sidecar.DisposeAsync();
        await using var next = await BackupRig.StartSidecarAsync(third, rig.StorePath, "redis-2");
        await rig.WaitForBackupsAsync(2);
        await RecordAsync(second, third, each * 2, each, recorded);
        await WriteAllKindsAsync(writer, each * 3);
        await rig.WaitUntilCoveredAsync();

        Assert.Equal(each * 3, recorded.Select(r => r.Digest).Distinct().Count()); // else equality below would prove little
        foreach (var (at, digest) in recorded) Assert.Equal(digest, await rig.RestoredDigestAsync(RestorePlan.Show(at)));
        Assert.Equal(await BackupRig.DigestAsync(second), await rig.RestoredDigestAsync("latest"));
        var files = (await rig.Store.ListSegmentsAsync(1, 0, [], default)).Select(s => s.Sequence).Distinct().Count();
        Assert.True(files >= 3, "the first stream went through fewer than two rewrites");
        Assert.Equal(2, (await rig.Store.ReadCatalogueAsync(default)).Backups.Select(b => b.Manifest.Generation).Distinct().Count());
    }

    private static async Task<RedisProcess> FollowAsync(RedisProcess master)
    {
        var replica = await RedisProcess.StartAsync([.. BackupRig.Aof, "repl-ping-replica-period 1", $"replicaof 127.0.0.1 {master.Port}"]);
        await using var client = await BackupRig.ConnectAsync(replica);
        await Eventually.UntilAsync("the replica to follow", async () =>
            InfoReply.TryParse(await client.CallAsync(default, "INFO"), out var info) && info.MasterLinkUp == true
            && info.AofRewriteInProgress == false && info.Get("aof_rewrite_scheduled") == "0");
        return replica;
    }

    /// <summary>
    /// Writes at the master; records what the shipping node has at the end of each second. A rewrite there at every other.
    /// </summary>
    private static async Task RecordAsync(
        RedisProcess master, RedisProcess shipping, int first, int count, List<(DateTimeOffset At, string Digest)> recorded)
    {
        await using var writer = await BackupRig.ConnectAsync(master);
        await using var client = await BackupRig.ConnectAsync(shipping);
        await BackupRig.EndOfSecondAsync(client); // of the base: an instant in the same second is refused
        for (var i = first; i < first + count; i++)
        {
            await WriteAllKindsAsync(writer, i);
            // Its annotations are the replica's: the second that counts is one that began after it had everything.
            if (master != shipping)
                await Eventually.UntilAsync(
                    "the replica to have it", async () => await BackupRig.DigestAsync(master) == await BackupRig.DigestAsync(shipping));
            if (i % 2 == 0) await BackupRig.RewriteAsync(client);
            recorded.Add((await BackupRig.EndOfSecondAsync(client), await BackupRig.DigestAsync(shipping)));
        }
    }

    [Fact]
    public async Task Times_that_the_store_does_not_hold_are_refused_with_the_limits()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await client.CallAsync(default, "SET", "a", "1");
        (await rig.RunAsync("now")).Succeeded();
        using var target = new TempFolder("target");
        var early = await rig.RunAsync("restore", "--to", "2001-01-01T00:00:00Z", "--target", target.Path);
        Assert.Equal((1, true), (early.ExitCode, early.Output.Contains("the first backup begins at", StringComparison.Ordinal)));
        var late = await rig.RunAsync("restore", "--to", "2101-01-01T00:00:00Z", "--target", target.Path);
        Assert.Equal((1, true), (late.ExitCode, late.Output.Contains("the store reaches to", StringComparison.Ordinal)));
        Assert.Equal(2, (await rig.RunAsync("restore", "--to", "2026-11-21T10:00:00", "--target", target.Path)).ExitCode); // whose clock?
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
    }

    [Fact]
    public async Task A_second_that_was_lost_between_two_generations_is_refused_and_never_restored_in_part()
    {
        await using var rig = await BackupRig.StartAsync();
        await using var client = await BackupRig.ConnectAsync(rig.Redis);
        await BackupRig.EndOfSecondAsync(client);
        await using var sidecar = await rig.StartSidecarAsync();
        await rig.WaitForBackupsAsync(1);
        sidecar.Pause(); // as a starved process: two rewrites go by unseen, and the file between them with them
        await BackupRig.CallAsync(client, "SET", "a", "1");
        await BackupRig.RewriteAsync(client);
        await BackupRig.CallAsync(client, "SET", "b", "2");
        var lost = DateTimeOffset.FromUnixTimeSeconds(await BackupRig.SecondAsync(client));
        await BackupRig.RewriteAsync(client);
        sidecar.Resume();
        await rig.WaitForBackupsAsync(2);
        Assert.Contains(sidecar.Output, line => line.Contains("not_proven", StringComparison.Ordinal));
        using var target = new TempFolder("target");
        var result = await rig.RunAsync("restore", "--to", RestorePlan.Show(lost), "--target", target.Path);
        Assert.Equal((1, true), (result.ExitCode, result.Output.Contains("the next one begins at", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(target.Path));
        // The new generation's base has it all, and from its next second on every one is there again.
        await BackupRig.EndOfSecondAsync(client);
        await BackupRig.CallAsync(client, "SET", "c", "3");
        var (at, digest) = (await BackupRig.EndOfSecondAsync(client), await BackupRig.DigestAsync(rig.Redis));
        await BackupRig.CallAsync(client, "SET", "d", "4");
        await rig.WaitUntilCoveredAsync();
        Assert.Equal(digest, await rig.RestoredDigestAsync(RestorePlan.Show(at)));
    }

    [Fact]
    public async Task Without_our_tool_cp_and_redis_server_restore_the_latest_state()
    {
        await using var rig = await BackupRig.StartAsync();
        await using (var sidecar = await rig.StartSidecarAsync())
        {
            await using var client = await BackupRig.ConnectAsync(rig.Redis);
            await rig.WaitForBackupsAsync(1);
            await WriteAllKindsAsync(client, 1);
            await BackupRig.RewriteAsync(client);
            await WriteAllKindsAsync(client, 2);
            await rig.WaitUntilCoveredAsync();
            await sidecar.TerminateAsync();
        }

        using var target = new TempFolder("plain");
        // The lines of the page.
        var script = await File.ReadAllTextAsync(Path.Combine(TestKit.Groups.Repository.Root, "manifests/docs/restore-by-hand.md"));
        var begin = script.IndexOf("```sh\n", StringComparison.Ordinal) + 6;
        var path = target.Write("restore.sh", "set -eu\n" + script[begin..script.IndexOf("```", begin, StringComparison.Ordinal)]);
        var data = target.Folder("data");
        await using (var shell =
            await ServerProcess.StartAsync(new ServerStart("sh", path, Path.Combine(rig.StorePath, "tenant.redis"), data)))
            Assert.True(await shell.WaitForExitAsync() == 0, shell.Tail());
        await using var server = await RedisProcess.StartAsync("appendonly yes", "enable-debug-command yes", $"dir {data}");
        Assert.Equal(await BackupRig.DigestAsync(rig.Redis), await BackupRig.DigestAsync(server));
    }

    private static async Task WriteAllKindsAsync(RedisClient client, int round)
    {
        var noise = new byte[300];
        new Random(round).NextBytes(noise);
        byte[] key = [.. noise.Take(20), 0, (byte)'\r', (byte)'\n', (byte)'*', (byte)'#', .. "TS:99"u8];
        foreach (var database in (string[])["0", "3", "15"])
        {
            await BackupRig.CallAsync(client, "SELECT", database);
            Assert.False((await client.CallAsync(RespCommand.Of("SET"u8.ToArray(), key, noise), default)).IsError);
            await BackupRig.CallAsync(client, "SET", $"trap{round}", "\r\n#TS:4000000000\r\n*1\r\n$4\r\nEXEC\r\n");
            await BackupRig.CallAsync(client, "SET", $"expiring{round}", "x", "EX", "100000");
            await BackupRig.CallAsync(client, "HSET", "hash", $"f{round}", "v");
            await BackupRig.CallAsync(client, "XADD", "stream", "*", "round", $"{round}");
            await BackupRig.CallAsync(
                client, "EVAL", "redis.call('INCRBY', KEYS[1], ARGV[1]); redis.call('SADD', KEYS[2], ARGV[1]); return 1", "2", "counter",
                "set", $"{round + 1}");
            await BackupRig.CallAsync(client, "MULTI");
            await BackupRig.CallAsync(client, "RPUSH", "list", $"{round}");
            await BackupRig.CallAsync(client, "INCR", "in-transaction");
            await BackupRig.CallAsync(client, "EXEC");
        }

        // One that goes while the round is recorded: its end is in the stream, since a digest counts what has expired and is still there.
        await BackupRig.CallAsync(client, "SELECT", "0");
        await BackupRig.CallAsync(client, "SET", $"brief{round}", "x", "PX", "10");
        await Eventually.UntilAsync("a key to expire", async () => (await client.CallAsync(default, "GET", $"brief{round}")).IsNull);
    }
}
