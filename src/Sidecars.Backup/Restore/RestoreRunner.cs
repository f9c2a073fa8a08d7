using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Backup.Tail;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Backup.Restore;

/// <summary>What a restore has done so far.</summary>
/// <param name="Done">Bytes fetched.</param>
/// <param name="Total">Bytes to fetch.</param>
public readonly record struct RestoreProgress(long Done, long Total);

/// <summary>A restore was refused or failed; the target is as it was.</summary>
public sealed class RestoreException(string code, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>For machines.</summary>
    public string Code { get; } = code;
}

/// <summary>
/// Carries a plan out: fetches into <c>TARGET/.sidecar/restore</c>, checks every byte, and renames the AOF directory into place as the last
/// step. The target then holds a multi-part AOF that an untouched <c>redis-server --appendonly yes</c> starts from; never a bare dump.rdb,
/// beside which such a server starts empty. Only for a server without AOF a snapshot becomes its dump.rdb.
/// </summary>
/// <param name="store">Where from.</param>
/// <param name="layout">File names of the target's server.</param>
/// <param name="time">The clock of pauses.</param>
/// <param name="durability">Of the target's server: which files it loads.</param>
public sealed class RestoreRunner(BackupStore store, DataLayout layout, TimeProvider time, Durability durability = Durability.Aof)
{
    private const int Parallel = 8; // requests in flight: hides the latency of an object store; 8 x 256 KiB of buffers
    private const string StagingName = "restore";
    private static readonly string[] Harmless = [MarkerStore.DirectoryName, "lost+found"];

    // A connection that breaks off in the middle of an object must not cost a restore of hours. Each try has those of its store's requests
    // within.
    private static readonly RetryRules OfAnObject = new(new BackoffSchedule(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(2)))
    {
        Failed = StoreException.OfTry,
        MostTries = 3,
        MostWait = TimeSpan.FromMinutes(3), // both pauses, where the store asks for its longest
    };

    private readonly RetryPipeline _retries = new(OfAnObject, time, Random.Shared.NextDouble);

    /// <summary>Reads what there is and plans.</summary>
    /// <param name="target">What is wanted.</param>
    /// <param name="acceptGap">See <see cref="RestorePlan.Calculate"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<RestorePlan> PlanAsync(RestoreTarget target, bool acceptGap, CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        if (RestorePlan.Choose(catalogue, target, store.Layout.Cluster.Value, out var backup) is { } refused) return refused;
        if (durability != Durability.Aof && !backup!.Manifest.IsSnapshot)
            return new RestorePlan.Refuse("other_durability", $"backup {backup.Id} is an append-only file, and a server without one "
                + $"(DURABILITY={durability.ToString().ToLowerInvariant()}) would not load it and start empty: "
                + "restore with DURABILITY=aof");
        if (KeyProblem(backup!.Manifest) is { } locked) return new RestorePlan.Refuse("wrong_key", locked);
        var oddities = new List<Oddity>();
        var segments = await store.ListSegmentsAsync(
            backup.Manifest.Generation, backup.Manifest.Start.Sequence, oddities, cancellation).ConfigureAwait(false);
        var plan = RestorePlan.Calculate(catalogue, target, backup, segments);
        if (plan is RestorePlan.Refuse { Code: "missing_segment" })
        {
            foreach (var other in RestorePlan.Alternatives(catalogue, target, backup))
                if (RestorePlan.Calculate(catalogue, target, other, segments) is RestorePlan.Restore found) return found with
                { Notes = found.Notes.Add($"backup {backup.Id} is verified and lacks a part of the tail since: {other.Id} is the start") };
            if (acceptGap) plan = RestorePlan.Calculate(catalogue, target, backup, segments, acceptGap);
        }

        return plan is RestorePlan.Refuse { Code: "missing_segment" } missing && oddities.Count > 0
            ? missing with { Reason = $"{missing.Reason}; {oddities[0].Key} {oddities[0].Problem}" }
            : plan;
    }

    /// <summary>Reads the tail behind a backup, up to the next one or to its end, and checks every byte.</summary>
    /// <returns>Where it has a hole; null: nowhere.</returns>
    /// <exception cref="StoreException">A segment is damaged; the message names it.</exception>
    public async Task<string?> ReadTailAsync(
        Catalogue catalogue, BackupEntry backup, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var manifest = backup.Manifest;
        if (manifest.IsSnapshot) return null;
        var same = catalogue.Backups.Select(b => b.Manifest)
            .Where(m => m.Generation == manifest.Generation && m.Start >= manifest.Start).OrderBy(m => m.Start).ToList();
        var until = same.Find(m => m.Start > manifest.Start)?.Start;
        var linker = new ChainLinker(manifest.Start, manifest.StartDigest);
        var marks = catalogue.Marks.Concat(same.Select(m => new ChainMark(m.Generation, m.Start, m.StartDigest)));
        var walk = new ChainWalk(same.TakeWhile(m => m.Start == manifest.Start), marks.Where(m => until is null || m.At <= until));
        var (segments, oddities) = (new List<(SegmentName Segment, ChainDigest Before)>(), new List<Oddity>());
        void Take(ChainDigest before, SegmentName? linked)
        {
            if (linked is not null && linked.To > manifest.End) segments.Add((linked, before));
        }

        await foreach (var segment in store.SegmentsAsync(
            manifest.Generation, manifest.Start.Sequence, oddities.Add, cancellation).ConfigureAwait(false))
        {
            if (until is { } next && segment.From >= next) break;
            walk.Add(segment);
            Take(linker.Digest, linker.Add(segment));
        }

        Take(linker.Digest, linker.Settle());
        if (walk.End().Holes.FirstOrDefault() is { } hole)
            return oddities.Count > 0 ? $"{hole}; {oddities[0].Key} {oddities[0].Problem}" : hole.ToString();
        var (done, total) = (0L, segments.Sum(s => s.Segment.Length));
        await ForEachAsync(segments, (item, count, token) => FetchSegmentAsync(manifest, item.Segment, item.Before, null, count, token),
            bytes => progress?.Report(new RestoreProgress(Interlocked.Add(ref done, bytes), total)), cancellation).ConfigureAwait(false);
        return null;
    }

    /// <summary>Why a directory is no target; null where it may be one.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="owner">Whose it is to be; null: it does not matter.</param>
    public static string? TargetProblem(string directory, ClusterId? owner = null)
    {
        if (!Directory.Exists(directory)) return $"{directory} does not exist: is the volume mounted?";
        if (owner is not null && new MarkerStore(directory).Read() is { IsKnown: true, Value: var marker } && marker.Cluster != owner)
            return $"{directory} belongs to {marker.Cluster}, as its {MarkerStore.DirectoryName}/{MarkerStore.FileName} says, "
                + $"not to {owner}";
        var found = Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName)
            .FirstOrDefault(name => !Harmless.Contains(name));
        return found is null ? null : $"{directory} is not empty: it holds {found}; a restore never overwrites";
    }

    /// <summary>Checks everything that a restore needs of its target, without leaving anything there.</summary>
    /// <exception cref="RestoreException">The target is not empty, is another's, has no room or can't be written to.</exception>
    public static void CheckTarget(RestorePlan.Restore plan, string directory, ClusterId? owner = null)
    {
        if (TargetProblem(directory, owner) is { } problem) throw new RestoreException("not_empty", problem);
        var free = new DriveInfo(Path.GetFullPath(directory)).AvailableFreeSpace;
        if (free < plan.Bytes)
            throw new RestoreException("no_space", $"{directory} has {free} bytes free, and the restore needs {plan.Bytes}");
        var trial = Path.Combine(directory, ".restore-" + Guid.NewGuid().ToString("n"));
        try
        {
            using var file = new FileStream(
                trial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreException("disk", $"{directory} can't be written to: {e.Message}", e);
        }
    }

    /// <summary>Fetches, checks and puts into place.</summary>
    /// <exception cref="RestoreException">The target is not empty, or has no room.</exception>
    /// <exception cref="StoreException">An object is missing or damaged; the message names it.</exception>
    public async Task RunAsync(
        RestorePlan.Restore plan, string directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        CheckTarget(plan, directory);
        var staging = Path.Combine(directory, MarkerStore.DirectoryName, StagingName);
        using var alone = Lock(directory);
        if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true); // of a restore that was interrupted
        Directory.CreateDirectory(staging);
        try
        {
            await FetchAsync(plan, staging, progress, cancellation).ConfigureAwait(false);
            if (!IsDump(plan.Backup.Manifest)) await WriteManifestAsync(plan, staging, cancellation).ConfigureAwait(false);
            PosixFiles.SyncDirectory(staging);
            if (TargetProblem(directory) is { } changed) throw new RestoreException("not_empty", changed);
            // Before the data appear: an election must not meet them without it.
            FilledMark.Write(directory, FilledBy.Restore);
            if (IsDump(plan.Backup.Manifest)) File.Move(Path.Combine(staging, layout.RdbFile), Path.Combine(directory, layout.RdbFile));
            else Directory.Move(staging, Path.Combine(directory, layout.AppendDirectory));
            PosixFiles.SyncDirectory(directory);
            if (Directory.Exists(staging)) Directory.Delete(staging);
        }
        catch (Exception e)
        {
            if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
            if (e is IOException and not (StoreException or RestoreException))
                throw new RestoreException("disk", $"{directory}: {e.Message}", e);
            throw;
        }
    }

    // A tool whose parent was killed may still run; the kernel drops the lock with the process that holds it.
    private static FileLock Lock(string directory)
    {
        try
        {
            Directory.CreateDirectory(Path.Combine(directory, MarkerStore.DirectoryName));
            return FileLock.Take(Path.Combine(directory, MarkerStore.DirectoryName, StagingName + ".lock"));
        }
        catch (IOException e)
        {
            throw new RestoreException(
                "busy", $"{directory} is being restored into by another process, or is not writable: {e.Message}", e);
        }
    }

    private bool IsDump(BackupManifest manifest) => manifest.IsSnapshot && durability != Durability.Aof;

    private string? KeyProblem(BackupManifest manifest)
    {
        try
        {
            _ = store.HashOf(manifest);
            return null;
        }
        catch (StoreException e)
        {
            return e.Message;
        }
    }

    private async Task FetchAsync(
        RestorePlan.Restore plan, string staging, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        long done = 0;
        void Count(int bytes) => progress?.Report(new RestoreProgress(Interlocked.Add(ref done, bytes), plan.Bytes));
        var manifest = plan.Backup.Manifest;
        var digests = plan.Segments.Select((s, i) => (Segment: s, Before: i == 0 ? manifest.StartDigest : plan.Segments[i - 1].Digest));
        var baseFile = manifest.Base is { } file
            ? RepeatAsync((count, token) => FetchBaseAsync(manifest, file, staging, count, token), Count, cancellation)
            : Task.CompletedTask;
        var tail = ForEachAsync(digests,
            (item, count, token) => FetchSegmentAsync(manifest, item.Segment, item.Before, staging, count, token), Count, cancellation);
        // both have ended, however they end: nobody writes to what is deleted then
        await Task.WhenAll(baseFile, tail).ConfigureAwait(false);
        if (plan.CutAfter is { } second) Cut(plan.Segments[^1], Path.Combine(staging, IncrementName(plan.Segments[^1].Sequence)), second);
    }

    private Task ForEachAsync<T>(
        IEnumerable<T> items, Func<T, Action<int>, CancellationToken, Task> fetch, Action<int> count, CancellationToken cancellation) =>
        System.Threading.Tasks.Parallel.ForEachAsync(
            items, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (item, token) => await RepeatAsync((counted, ct) => fetch(item, counted, ct), count, token).ConfigureAwait(false));

    // What a try fetched before it broke off is counted off again.
    private Task<bool> RepeatAsync(Func<Action<int>, CancellationToken, Task> fetch, Action<int> count, CancellationToken cancellation) =>
        _retries.RunAsync(async token =>
        {
            var counted = 0L;
            try
            {
                await fetch(Count, token).ConfigureAwait(false);
                return true;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Unavailable)
            {
                for (; counted > 0; counted -= int.MaxValue) count(-(int)Math.Min(counted, int.MaxValue));
                throw;
            }

            void Count(int bytes)
            {
                counted += bytes;
                count(bytes);
            }
        }, cancellation);

    private async Task FetchBaseAsync(
        BackupManifest manifest, BaseFile file, string staging, Action<int> count, CancellationToken cancellation)
    {
        var key = store.Layout.Base(manifest.Generation, manifest.Id) + file.Name;
        using var hash = store.HashOf(manifest).Begin();
        await CopyAsync(key, Path.Combine(staging, IsDump(manifest) ? layout.RdbFile : BaseName(file)), 0, file.Length, hash, count,
            cancellation).ConfigureAwait(false);
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256)
            throw new StoreException(StoreFailure.Damaged, key, "its SHA-256 is not the manifest's");
    }

    private async Task FetchSegmentAsync(BackupManifest manifest, SegmentName segment, ChainDigest before, string? staging,
        Action<int> count, CancellationToken cancellation)
    {
        var key = store.Layout.Segment(manifest.Generation, segment);
        using var hash = before.Begin(store.HashOf(manifest));
        // Offsets count from the first segment of the file that is wanted, which is its first byte: a base starts at the start of a file.
        await CopyAsync(key, staging is null ? null : Path.Combine(staging, IncrementName(segment.Sequence)), segment.Start, segment.Length,
            hash, count, cancellation).ConfigureAwait(false);
        if (ChainDigest.End(hash) != segment.Digest)
            throw new StoreException(StoreFailure.Damaged, key, "its content is not what its name says");
    }

    private async Task CopyAsync(
        string key, string? path, long offset, long length, IncrementalHash hash, Action<int> count, CancellationToken cancellation)
    {
        using var download = await store.Objects.OpenAsync(key, cancellation).ConfigureAwait(false);
        using var file = path is null ? null : File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        var buffer = new byte[256 * 1024];
        var copied = 0L;
        while (true)
        {
            var read = await ReadAsync(download, key, buffer, cancellation).ConfigureAwait(false);
            if (read == 0) break;
            if (copied + read > length)
                throw new StoreException(StoreFailure.Damaged, key, $"has more than the {length} bytes that it should have");
            hash.AppendData(buffer, 0, read);
            if (file is not null) RandomAccess.Write(file, buffer.AsSpan(0, read), offset + copied);
            copied += read;
            count(read);
        }

        if (copied != length) throw new StoreException(StoreFailure.Damaged, key, $"has {copied} bytes, and should have {length}");
        if (file is not null) RandomAccess.FlushToDisk(file);
    }

    private static async Task<int> ReadAsync(ObjectDownload download, string key, byte[] buffer, CancellationToken cancellation)
    {
        try
        {
            return await download.Content.ReadAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not StoreException)
        {
            throw new StoreException(StoreFailure.Unavailable, key, e.Message, e);
        }
    }

    // A segment begins between two commands, so that its own scan finds where the first later one begins.
    private void Cut(SegmentName segment, string path, long second)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var scan = new AofCommandReader { StopAfterTime = second };
        var buffer = new byte[256 * 1024];
        for (var at = segment.Start; ;)
        {
            var read = RandomAccess.Read(file, buffer, at);
            var result = scan.Read(buffer.AsSpan(0, read), out _);
            if (result == AofScan.Malformed) throw new RestoreException("no_aof", $"tail/{segment}: {scan.Problem}");
            if (result == AofScan.Stopped || read == 0) break;
            at += read;
        }

        RandomAccess.SetLength(file, segment.Start + scan.Boundary.Offset);
        RandomAccess.FlushToDisk(file);
    }

    private async Task WriteManifestAsync(RestorePlan.Restore plan, string staging, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var manifest = plan.Backup.Manifest;
        if (manifest.Base is { } file)
            text.Append(CultureInfo.InvariantCulture, $"file {BaseName(file)} seq {Math.Max(1, manifest.BaseSequence)} type b\n");
        foreach (var sequence in plan.Segments.Select(s => s.Sequence).Distinct())
            text.Append(CultureInfo.InvariantCulture, $"file {IncrementName(sequence)} seq {sequence} type i\n");
        if (text.Length == 0)
            text.Append("file ").Append(await EmptyIncrementAsync(manifest, staging, cancellation).ConfigureAwait(false)).Append('\n');
        AtomicFile.Write(Path.Combine(staging, layout.ManifestFile), Encoding.ASCII.GetBytes(text.ToString()));
    }

    // No base and no command: a server that never held anything. An empty file says so.
    private async Task<string> EmptyIncrementAsync(BackupManifest manifest, string staging, CancellationToken cancellation)
    {
        await File.WriteAllBytesAsync(
            Path.Combine(staging, IncrementName(manifest.Start.Sequence)), [], cancellation).ConfigureAwait(false);
        return string.Create(
            CultureInfo.InvariantCulture, $"{IncrementName(manifest.Start.Sequence)} seq {manifest.Start.Sequence} type i");
    }

    private string IncrementName(long sequence) => string.Create(CultureInfo.InvariantCulture, $"{layout.AppendFile}.{sequence}.incr.aof");

    // Under the name that the target's server would give it, whatever the source's was called.
    private string BaseName(BaseFile file) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{layout.AppendFile}.1.base{(file.Name.EndsWith(".rdb", StringComparison.Ordinal) ? ".rdb" : ".aof")}");
}
