using System.Runtime.CompilerServices;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Directories;
using Sidecars.Backup.Tail;
using Sidecars.Backup.Upload;
using Sidecars.Core.Lineage;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Backup;

public class UploadSessionTests
{
    private const string First = "*1\r\n$4\r\nPING\r\n";
    private const string Second = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    private const string Third = "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";

    [Fact]
    public async Task A_request_that_hangs_through_two_rewrites_loses_no_file()
    {
        using var folder = new TempFolder("session");
        var aof = Path.Combine(folder.Path, DataLayout.Default.AppendDirectory);
        Directory.CreateDirectory(aof);
        Write(aof, 1, First);
        Manifest(aof, 1);
        var gate = new GatedStore(new DirectoryStore(folder.Folder("store")));
        var store = new BackupStore(gate, new BackupLayout(Samples.Cluster));
        var counters = new UploadCounters();
        var options = new UploaderOptions { Node = "redis-0", Look = TimeSpan.FromMilliseconds(5) };
        using var session = new UploadSession(
            store, new AofDirectory(folder.Path, DataLayout.Default), options, counters, 1, TimeProvider.System);
        await session.BeginAsync(0, default);

        var flush = session.FlushAsync(DateTimeOffset.MaxValue, default);
        Assert.False(flush.IsCompleted);
        Write(aof, 2, Second);
        Manifest(aof, 1, 2);
        await Eventually.UntilAsync("the second file to be seen", () => counters.PendingBytes == First.Length + Second.Length);
        Write(aof, 3, Third);
        Manifest(aof, 2, 3);
        await Eventually.UntilAsync(
            "the third file to be seen", () => counters.PendingBytes == First.Length + Second.Length + Third.Length);
        Manifest(aof, 3);
        File.Delete(Path.Combine(aof, "appendonly.aof.1.incr.aof"));
        File.Delete(Path.Combine(aof, "appendonly.aof.2.incr.aof"));
        gate.Open();
        await flush;
        Assert.Equal(new StreamPosition(1, First.Length), session.Position); // what was there when it began
        await session.FlushAsync(DateTimeOffset.MaxValue, default);

        Assert.Equal(new StreamPosition(3, Third.Length), session.Position);
        Assert.Equal([1, 2, 3], (await store.ListSegmentsAsync(1, 0, [], default)).Select(s => s.Sequence));
    }

    [Fact]
    public async Task While_the_server_is_cut_off_nothing_more_is_claimed_to_be_covered()
    {
        using var folder = new TempFolder("session");
        var aof = Prepare(folder);
        using var session = Open(folder, new UploadCounters());
        await session.BeginAsync(0, default);
        var cutOff = TimeProvider.System.GetUtcNow() - TimeSpan.FromMinutes(5);
        await session.FlushAsync(cutOff, default);
        Assert.Equal(cutOff, session.CoveredUntil);
        File.AppendAllText(Path.Combine(aof, "appendonly.aof.1.incr.aof"), Second); // shipped all the same
        await session.FlushAsync(cutOff - TimeSpan.FromMinutes(1), default);
        Assert.Equal((cutOff, new StreamPosition(1, First.Length + Second.Length)), (session.CoveredUntil, session.Position));
        await session.FlushAsync(DateTimeOffset.MaxValue, default);
        // Redis' own buffer
        Assert.InRange(session.CoveredUntil, cutOff + TimeSpan.FromMinutes(4), TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task While_the_files_are_behind_the_server_nothing_begins_and_what_has_begun_ends()
    {
        using var folder = new TempFolder("session");
        var aof = Prepare(folder);
        var temporary = Path.Combine(aof, "temp-appendonly.aof.incr");
        using (var session = Open(folder, new UploadCounters()))
        {
            await session.BeginAsync(0, default);
            session.Look();
            await File.WriteAllTextAsync(temporary, "");
            Assert.Equal("dataset_replaced", Assert.Throws<GenerationEndedException>(session.Look).Code);
        }

        using var next = Open(folder, new UploadCounters());
        await Assert.ThrowsAsync<IOException>(() => next.BeginAsync(0, default));
        Manifest(aof, 1); // its first rewrite has ended, and the leftover of a crash is older than that
        File.SetLastWriteTimeUtc(temporary, File.GetLastWriteTimeUtc(Path.Combine(aof, DataLayout.Default.ManifestFile)).AddSeconds(-1));
        await next.BeginAsync(0, default);
    }

    private static string Prepare(TempFolder folder)
    {
        var aof = folder.Folder(DataLayout.Default.AppendDirectory);
        Write(aof, 1, First);
        Manifest(aof, 1);
        return aof;
    }

    private static UploadSession Open(TempFolder folder, UploadCounters counters) => new(
        new BackupStore(new DirectoryStore(folder.Folder("store")), new BackupLayout(Samples.Cluster)),
        new AofDirectory(folder.Path, DataLayout.Default),
        new UploaderOptions { Node = "redis-0" }, counters, 1, TimeProvider.System);

    private static void Write(string aof, long sequence, string commands) =>
        File.WriteAllText(Path.Combine(aof, $"appendonly.aof.{sequence}.incr.aof"), commands);

    private static void Manifest(string aof, params long[] sequences)
    {
        var temporary = Path.Combine(aof, "temp-appendonly.aof.manifest");
        File.WriteAllLines(temporary, sequences.Select(s => $"file appendonly.aof.{s}.incr.aof seq {s} type i"));
        File.Move(temporary, Path.Combine(aof, DataLayout.Default.ManifestFile), overwrite: true);
    }

    /// <summary>Takes nothing until it is opened.</summary>
    private sealed class GatedStore(IObjectStore inner) : IObjectStore
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Description => inner.Description;

        public void Open() => _open.SetResult();

        public async Task<string?> PutAsync(string key, ObjectContent content, PutCondition condition, CancellationToken cancellation)
        {
            await _open.Task.WaitAsync(cancellation);
            return await inner.PutAsync(key, content, condition, cancellation);
        }

        public Task<ObjectDownload> OpenAsync(string key, CancellationToken cancellation) => inner.OpenAsync(key, cancellation);

        public async IAsyncEnumerable<ObjectEntry> ListAsync(
            string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var entry in inner.ListAsync(prefix, startAfter, cancellation)) yield return entry;
        }

        public Task<IReadOnlyList<string>> ListFoldersAsync(string prefix, CancellationToken cancellation) =>
            inner.ListFoldersAsync(prefix, cancellation);

        public Task DeleteAsync(string key, CancellationToken cancellation) => inner.DeleteAsync(key, cancellation);

        public Task<int> RemoveUnfinishedAsync(string prefix, DateTimeOffset before, bool dryRun, CancellationToken cancellation) =>
            inner.RemoveUnfinishedAsync(prefix, before, dryRun, cancellation);
    }
}
