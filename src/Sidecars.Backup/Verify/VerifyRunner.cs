using System.Security.Cryptography;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Options;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.Encryption;
using Sidecars.Core.Redis;

namespace Sidecars.Backup.Verify;

/// <summary>What a drill came to.</summary>
/// <param name="Id">The backup.</param>
/// <param name="Verification">Null where it failed.</param>
/// <param name="Problem">Why it failed.</param>
internal sealed record VerifyOutcome(string Id, Verification? Verification, string? Problem);

/// <summary>
/// The drill: restores one backup as it was when complete (every byte is checked on the way), has a server load it, compares the number of
/// keys a database with what the live server had, and a sample of values with the drill before. Only then is it marked as verified. The
/// tail from there to the next backup is read too, every byte, so that drills of all backups have read all of the chain.
/// </summary>
internal sealed class VerifyRunner(BackupStore store, BackupOptions options, ProgressLines progress, TimeProvider time)
{
    private const int SampleKeys = 1000;

    public async Task<VerifyOutcome> RunAsync(string? id, CancellationToken cancellation)
    {
        var catalogue = await store.ReadCatalogueAsync(cancellation).ConfigureAwait(false);
        var backup = id is null ? catalogue.Backups.LastOrDefault() : catalogue.Backups.FirstOrDefault(b => b.Id == id);
        if (backup is null)
            return new VerifyOutcome(
                id ?? "", null, id is null ? $"no backup of {options.Cluster} is listed" : $"no backup has the id {id}");
        var scratch = Path.Combine(options.ScratchDirectory, "redis-backup-" + Guid.NewGuid().ToString("n")[..12]);
        Directory.CreateDirectory(scratch);
        try
        {
            var runner = new RestoreRunner(store, Core.Lineage.DataLayout.Default, time);
            var plan = await runner.PlanAsync(new RestoreTarget.Backup(backup.Id), false, cancellation).ConfigureAwait(false);
            if (plan is RestorePlan.Refuse refuse) return new VerifyOutcome(backup.Id, null, refuse.Reason);
            var started = time.GetTimestamp();
            progress.Begin($"restoring {backup.Id}");
            await runner.RunAsync((RestorePlan.Restore)plan, scratch, progress, cancellation).ConfigureAwait(false);
            var restored = time.GetElapsedTime(started);
            started = time.GetTimestamp();
            progress.Begin("a server loads the restored data");
            await using var server = await ScratchServer.StartAsync(
                options.ServerBinary, scratch, time, cancellation).ConfigureAwait(false);
            var loaded = time.GetElapsedTime(started);
            progress.Begin("comparing keys and values");
            var outcome = await CompareAsync(backup, server.Client, restored, loaded, cancellation).ConfigureAwait(false);
            if (outcome.Problem is not null) return outcome;
            progress.Begin("reading the tail that follows");
            return await runner.ReadTailAsync(catalogue, backup, progress, cancellation).ConfigureAwait(false) is { } hole
                ? outcome with { Problem = $"backup {backup.Id} is good, and the tail behind it is not: {hole}" }
                : outcome;
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private async Task<VerifyOutcome> CompareAsync(
        BackupEntry backup, RedisClient client, TimeSpan restored, TimeSpan loaded, CancellationToken cancellation)
    {
        var reply = await client.CallAsync(cancellation, "INFO").ConfigureAwait(false);
        if (!InfoReply.TryParse(reply, out var info)) return new VerifyOutcome(backup.Id, null, "the scratch server does not answer INFO");
        foreach (var expected in backup.Manifest.Databases)
        {
            var keys = info.Databases.FirstOrDefault(d => d.Index == expected.Index)?.Keys ?? 0;
            if (keys < expected.Fewest || keys > expected.Most)
                return new VerifyOutcome(backup.Id, null, $"backup {backup.Id}: db{expected.Index} has {keys} keys after the restore; "
                    + $"the live server had {expected.Fewest} to {expected.Most}");
        }

        var sample = await SampleAsync(store.HashOf(backup.Manifest), client, info, cancellation).ConfigureAwait(false);
        if (backup.Verification is { Sample: { Length: > 0 } before } && before != sample)
            return new VerifyOutcome(backup.Id, null, $"backup {backup.Id}: a sample of values differs from that of the last drill");
        var verification = new Verification(
            time.GetUtcNow(), info.Databases.Sum(d => d.Keys), (long)restored.TotalMilliseconds, (long)loaded.TotalMilliseconds, sample);
        var key = store.Layout.Base(backup.Manifest.Generation, backup.Id) + BackupLayout.VerifiedName;
        await store.Objects.PutAsync(
            key, ObjectContent.Of(VerificationDocument.Write(verification)), PutCondition.None, cancellation).ConfigureAwait(false);
        return new VerifyOutcome(backup.Id, verification, null);
    }

    /// <summary>
    /// Digest of the values of the keys with the lowest hashes in each database: the same keys at every drill, since the order of SCAN is
    /// not. Keys with an expiry are left out: they go. DEBUG DIGEST-VALUE does not depend on the order within a set or hash.
    /// </summary>
    private static async Task<string> SampleAsync(ContentHash hash, RedisClient client, InfoReply info, CancellationToken cancellation)
    {
        using var digest = hash.Begin();
        foreach (var database in info.Databases)
        {
            await client.CallAsync(
                cancellation, "SELECT", database.Index.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false);
            foreach (var key in await LowestAsync(client, cancellation).ConfigureAwait(false))
            {
                var expiry = await client.CallAsync(RespCommand.Of("PTTL"u8.ToArray(), key), cancellation).ConfigureAwait(false);
                if (expiry.Integer != -1) continue;
                var value = await client.CallAsync(
                    RespCommand.Of("DEBUG"u8.ToArray(), "DIGEST-VALUE"u8.ToArray(), key), cancellation).ConfigureAwait(false);
                if (value.IsError || value.Items.Count == 0) continue;
                digest.AppendData(key.Span);
                digest.AppendData(value.Items[0].Bytes.Span);
            }
        }

        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    private static async Task<List<ReadOnlyMemory<byte>>> LowestAsync(RedisClient client, CancellationToken cancellation)
    {
        var lowest = new PriorityQueue<ReadOnlyMemory<byte>, UInt128>(Comparer<UInt128>.Create((a, b) => b.CompareTo(a)));
        var seen = new HashSet<UInt128>();
        var cursor = "0";
        do
        {
            var reply = await client.CallAsync(cancellation, "SCAN", cursor, "COUNT", "1000").ConfigureAwait(false);
            if (reply.Items.Count != 2) break;
            cursor = reply.Items[0].Text;
            foreach (var key in reply.Items[1].Items)
            {
                var hash = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(key.Bytes.Span));
                if (lowest.Count == SampleKeys && lowest.TryPeek(out _, out var highest) && hash >= highest) continue;
                if (!seen.Add(hash)) continue; // SCAN may give a key twice
                lowest.Enqueue(key.Bytes, hash);
                if (lowest.Count > SampleKeys && lowest.TryDequeue(out _, out var dropped)) seen.Remove(dropped);
            }
        }
        while (cursor != "0");
        return [.. lowest.UnorderedItems.OrderBy(i => i.Priority).Select(i => i.Element)];
    }
}
