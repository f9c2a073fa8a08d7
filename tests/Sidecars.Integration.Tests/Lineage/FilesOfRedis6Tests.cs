using System.Globalization;
using Sidecars.Bootstrap.Disk;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;
using static Sidecars.Integration.Tests.Lineage.ServerFiles;

namespace Sidecars.Integration.Tests.Lineage;

/// <summary>
/// AOF files of Redis 4 to 6, before and after a server of 7 has taken them over. The server's own loader is the judge: what it starts on
/// is intact, and what it refuses is suspect, unless only the middle of a file could tell.
/// </summary>
public class FilesOfRedis6Tests
{
    private const string Single = "appendonly.aof";
    private const string NoCommands = "";
    private const string OneCommand = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
    private const string ThreeKeys = OneCommand
        + "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n3\r\n";

    [Theory]
    [InlineData(0, NoCommands, true)]
    [InlineData(50, NoCommands, true)]
    [InlineData(0, OneCommand, true)]
    [InlineData(0, ThreeKeys, true)]
    [InlineData(50, ThreeKeys, true)]
    [InlineData(20_000, OneCommand, true)] // 1.7 MB: more than is looked at
    [InlineData(20_000, ThreeKeys, true)]
    [InlineData(50, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2", true)] // torn by a crash: cut off
    [InlineData(50, "\0\0\0\0\0\0\0\0", false)]
    [InlineData(50, "SET a 1\r\n", false)]
    public async Task A_snapshot_with_commands_behind_it_is_what_the_server_says(int keys, string commands, bool isIntact)
    {
        using var folder = await SnapshotAsync(keys);
        await File.AppendAllTextAsync(folder.File(Single), commands);
        await JudgeAsync(folder, isIntact);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(200)]
    public async Task A_snapshot_that_is_cut_is_refused(int bytes)
    {
        using var folder = await SnapshotAsync(50);
        using (var file = new FileStream(folder.File(Single), FileMode.Open)) file.SetLength(file.Length - bytes);
        await JudgeAsync(folder, isIntact: false);
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(20_000, true)]
    [InlineData(50, false)]
    public async Task Taken_over_it_is_the_base_of_a_manifest(int keys, bool isWhole)
    {
        using var folder = await SnapshotAsync(keys);
        await File.AppendAllTextAsync(folder.File(Single), ThreeKeys);
        await using (var server = await StartAsync(folder))
        {
            await SetAsync(server, 0, 2);
            await WaitForAofWrittenAsync(server);
            await server.Process.KillAsync();
        }

        var manifest = await File.ReadAllTextAsync(Path.Combine(folder.Path, "appendonlydir", Single + ".manifest"));
        Assert.StartsWith($"file {Single} seq 1 type b\n", manifest, StringComparison.Ordinal);
        if (!isWhole)
            // torn, and not the last file
            using (var file = new FileStream(Path.Combine(folder.Path, "appendonlydir", Single), FileMode.Open))
                file.SetLength(file.Length - 3);
        await JudgeAsync(folder, isWhole);
    }

    [Fact]
    public async Task Taken_over_and_its_increment_not_yet_begun_it_is_the_whole_AOF()
    {
        using var folder = await SnapshotAsync(50);
        await File.AppendAllTextAsync(folder.File(Single), "#TS:1700000000\r\n" + ThreeKeys);
        folder.Folder("appendonlydir");
        File.Move(folder.File(Single), Path.Combine(folder.Path, "appendonlydir", Single));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "appendonlydir", Single + ".manifest"), $"file {Single} seq 1 type b\n");
        Assert.Equal(1_700_000_000, DiskEvidenceReader.Read(folder.Path, Durability.Aof).LastTimestamp);
        await JudgeAsync(folder, isIntact: true);
    }

    /// <summary>A data directory with the snapshot that Redis 6 would begin its AOF with.</summary>
    private static async Task<TempFolder> SnapshotAsync(int keys)
    {
        var folder = new TempFolder("redis6");
        await using var server = await RedisProcess.StartAsync(Aof);
        var script = string.Create(
            CultureInfo.InvariantCulture, $"for i=1,{keys} do redis.call('SET','m'..i,redis.sha1hex(i)..redis.sha1hex(-i)) end");
        await CallAsync(server, $"EVAL \"{script}\" 0");
        await CallAsync(server, "BGREWRITEAOF");
        await WaitForRewriteAsync(server);
        var append = Path.Combine(server.Folder, "appendonlydir");
        File.Copy(Directory.GetFiles(append, "*.base.rdb").Single(), folder.File(Single));
        return folder;
    }

    private static async Task JudgeAsync(TempFolder folder, bool isIntact)
    {
        var evidence = DiskEvidenceReader.Read(folder.Path, Durability.Aof);
        Assert.True(evidence.IsIntact == isIntact, $"{evidence.State}, {evidence.Reason} {evidence.Detail}");
        if (isIntact)
        {
            await using var server = await StartAsync(folder);
            Assert.StartsWith("+PONG", await CallAsync(server, "PING"), StringComparison.Ordinal);
        }
        else
        {
            await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(folder));
        }
    }

    private static Task<RedisProcess> StartAsync(TempFolder folder) => RedisProcess.StartAsync(folder, FreePort.Next(), Aof);
}
