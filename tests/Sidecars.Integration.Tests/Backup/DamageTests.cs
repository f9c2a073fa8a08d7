using Sidecars.Backup.Archive;
using Sidecars.Backup.Store.Directories;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Backup;

/// <summary>What is wrong in the store is said with the object's name; the target stays as it was.</summary>
public sealed class DamageTests : IClassFixture<DamageTests.Prepared>, IDisposable
{
    private readonly TempFolder _target = new("target");
    private readonly TempFolder _copy = new("store");
    private readonly BackupRig _rig;

    public DamageTests(Prepared prepared)
    {
        _rig = prepared.Rig;
        foreach (var file in Directory.EnumerateFiles(_rig.StorePath, "*", SearchOption.AllDirectories))
        {
            var copy = _copy.File(Path.GetRelativePath(_rig.StorePath, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    public void Dispose()
    {
        _target.Dispose();
        _copy.Dispose();
    }

    [Fact]
    public Task A_bit_flip_in_a_segment() => IsRefusedAsync(Segments()[1], path => Flip(path), "its content is not what its name says");

    [Fact]
    public Task A_bit_flip_in_the_base() => IsRefusedAsync(Base(), path => Flip(path), "its SHA-256 is not the manifest's");

    [Fact]
    public Task A_missing_segment() => IsRefusedAsync(Segments()[1], File.Delete, "a segment is missing", named: "tail/");

    [Fact]
    public Task A_missing_last_segment_that_a_backup_needs() => IsRefusedAsync(Base(), File.Delete, "there is no such object");

    [Fact]
    public Task A_truncated_segment() =>
        IsRefusedAsync(Segments()[1], path => File.WriteAllBytes(path, File.ReadAllBytes(path)[..^3]), "and its name says");

    [Fact]
    public Task A_manifest_that_is_none() =>
        IsRefusedAsync(Manifest(), path => File.WriteAllText(path, "{}"), "no backup of tenant/redis is listed");

    [Fact]
    public Task A_manifest_of_another_tenant() =>
        IsRefusedAsync(Manifest(),
            path => File.WriteAllText(path, File.ReadAllText(path).Replace("tenant/redis", "someone/else", StringComparison.Ordinal)),
            "it does not belong here");

    [Fact]
    public async Task Foreign_objects_in_the_prefix_are_reported_and_change_nothing()
    {
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(Segments()[0])!, "notes.txt"), "hello");
        Assert.Equal(await BackupRig.DigestAsync(_rig.Redis), await _rig.RestoredDigestAsync("latest", ("BACKUP_STORE", _copy.Path)));
    }

    [Fact]
    public async Task A_target_that_holds_anything_is_refused()
    {
        _target.Write("dump.rdb", "precious");
        var result = await RunAsync("restore", "--target", _target.Path);
        Assert.Equal((1, true), (result.ExitCode, result.Output.Contains("is not empty: it holds dump.rdb", StringComparison.Ordinal)));
        Assert.Equal("precious", await File.ReadAllTextAsync(_target.File("dump.rdb")));
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_do_and_does_nothing()
    {
        var result = (await RunAsync("restore", "--dry-run", "--target", _target.Path)).Succeeded();
        Assert.Contains("would restore backup", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_target.Path));
    }

    [RootFact]
    public async Task A_full_disk_leaves_the_target_empty()
    {
        var mount = await MountAsync();
        try
        {
            var result = await RunAsync("restore", "--target", mount);
            Assert.Equal((1, true), (result.ExitCode, result.Output.Contains("bytes free", StringComparison.Ordinal)));
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(mount), e => Path.GetFileName(e) != ".sidecar");
        }
        finally
        {
            await using var unmount = await ServerProcess.StartAsync(new ServerStart("umount", mount));
            await unmount.WaitForExitAsync();
        }
    }

    [RootFact]
    public async Task A_disk_that_fills_up_on_the_way_leaves_nothing_half_done()
    {
        // Enough bytes, and too few pages: base, increment and manifest take one each.
        var mount = await MountAsync("8k", isFull: false);
        try
        {
            var result = await RunAsync("restore", "--target", mount);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(mount, result.Output, StringComparison.Ordinal);
            Assert.Contains("No space left on device", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("bytes free", result.Output, StringComparison.Ordinal); // it had begun
            Assert.Equal([".sidecar"], Directory.EnumerateFileSystemEntries(mount).Select(Path.GetFileName));
            Assert.False(Directory.Exists(Path.Combine(mount, ".sidecar", "restore")));
        }
        finally
        {
            await using var unmount = await ServerProcess.StartAsync(new ServerStart("umount", mount));
            await unmount.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_drill_proves_a_good_backup_and_convicts_a_bad_one()
    {
        var good = (await RunAsync("verify")).Succeeded();
        Assert.Contains("is good", good.Output, StringComparison.Ordinal);
        Assert.NotNull(
            (await new BackupStore(new DirectoryStore(_copy.Path), BackupRig.Layout).ReadCatalogueAsync(default)).Backups[^1].Verification);
        (await RunAsync("verify")).Succeeded(); // the sample is the same again
        Flip(Base());
        Assert.Equal(1, (await RunAsync("verify")).ExitCode);
    }

    private Task<CliResult> RunAsync(params string[] arguments) => _rig.RunAsync([("BACKUP_STORE", _copy.Path)], arguments);

    private async Task IsRefusedAsync(string path, Action<string> damage, string message, string? named = null)
    {
        damage(path);
        var result = await RunAsync("restore", "--target", _target.Path);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Output, StringComparison.Ordinal);
        Assert.Contains(named ?? Path.GetFileName(path), result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_target.Path), e => Path.GetFileName(e) != ".sidecar");
    }

    // A tmpfs of a few pages.
    private async Task<string> MountAsync(string size = "4k", bool isFull = true)
    {
        var mount = _target.Folder("full");
        await using var process =
            await ServerProcess.StartAsync(new ServerStart("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", mount));
        Assert.True(await process.WaitForExitAsync() == 0, process.Tail());
        if (isFull)
            await File.WriteAllBytesAsync(
                Path.Combine(Directory.CreateDirectory(Path.Combine(mount, ".sidecar")).FullName, "filler"), new byte[4096]);
        return mount;
    }

    private static void Flip(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    private string[] Segments() => [.. Directory.EnumerateFiles(_copy.Path, "*.aof", SearchOption.AllDirectories)
        .Where(p => p.Contains("/tail/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private string Base() => Directory.EnumerateFiles(_copy.Path, "*.rdb", SearchOption.AllDirectories).Single();

    private string Manifest() => Directory.EnumerateFiles(_copy.Path, "manifest.json", SearchOption.AllDirectories).Single();

    /// <summary>One store with a base and several segments; each test damages a copy.</summary>
    public sealed class Prepared : IAsyncLifetime
    {
        internal BackupRig Rig { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Rig = await BackupRig.StartAsync();
            await using var sidecar = await Rig.StartSidecarAsync();
            await Rig.WaitForBackupsAsync(1);
            await using var client = await BackupRig.ConnectAsync(Rig.Redis);
            for (var i = 0; i < 3; i++)
            {
                await client.CallAsync(default, "SET", $"key{i}", new string('x', 500));
                var count = i + 1;
                await Eventually.UntilAsync(
                    "one more segment", async () => (await Rig.Store.ListSegmentsAsync(1, 0, [], default)).Count == count);
            }

            Assert.Equal(0, await sidecar.TerminateAsync());
        }

        public async Task DisposeAsync() => await Rig.DisposeAsync();
    }
}

/// <summary>Skipped, visibly, where the test may not mount.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (Environment.UserName != "root") Skip = "mounting a small file system needs root";
    }
}
