using System.Globalization;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Backup;

/// <summary>Chains and backups for the tests of this folder.</summary>
internal static class Samples
{
    public static ClusterId Cluster { get; } = ClusterId.TryParse("t/r", out var id) ? id : throw new InvalidOperationException();

    public static DateTimeOffset Time(long seconds) => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000 + seconds);

    /// <summary>Linked segments; times are 1,700,000,000 + 10 × their number unless given.</summary>
    public static List<SegmentName> Chain(params (long Sequence, long Start, long End)[] places) => Chain(1, ChainDigest.Start, places);

    public static List<SegmentName> Chain(long session, ChainDigest digest, params (long Sequence, long Start, long End)[] places)
    {
        var chain = new List<SegmentName>();
        foreach (var (sequence, start, end) in places)
        {
            var next = digest.Append(ObjectContent.Of(BitConverter.GetBytes((sequence * 31) + start + (end * 7) + session)));
            chain.Add(new SegmentName(sequence, start, end, Time(10 * (chain.Count + 1)).ToUnixTimeSeconds(), session, digest.Short, next));
            digest = next;
        }

        return chain;
    }

    /// <summary>Puts a backup and segments into a store, whose bytes are not what their names say.</summary>
    public static async Task PutAsync(BackupStore store, BackupEntry backup, IEnumerable<SegmentName> segments)
    {
        var folder = store.Layout.Base(backup.Manifest.Generation, backup.Id);
        if (backup.Manifest.Base is { } file)
            await store.Objects.PutAsync(folder + file.Name, ObjectContent.Of(new byte[file.Length]), PutCondition.None, default);
        await store.Objects.PutAsync(folder + BackupLayout.ManifestName, ObjectContent.Of(BackupManifestDocument.Write(backup.Manifest)),
            PutCondition.None, default);
        if (backup.Verification is { } drill)
            await store.Objects.PutAsync(
                folder + BackupLayout.VerifiedName, ObjectContent.Of(VerificationDocument.Write(drill)), PutCondition.None, default);
        foreach (var segment in segments)
            await store.Objects.PutAsync(store.Layout.Segment(backup.Manifest.Generation, segment),
                ObjectContent.Of(new byte[segment.Length]), PutCondition.None, default);
    }

    public static BackupEntry Backup(long generation, long seconds, (long, long) start, (long, long) end, bool verified = false,
        ChainDigest startDigest = default, ChainDigest endDigest = default)
    {
        var at = Time(seconds);
        var id = BackupLayout.BaseId(at, generation);
        return new BackupEntry(
            new BackupManifest
            {
                Cluster = Cluster,
                Id = id,
                Generation = generation,
                Node = "redis-0",
                CompletedAt = at,
                CoveredUntil = at,
                ServerVersion = "7.0.15",
                Base = new BaseFile(
                    string.Create(CultureInfo.InvariantCulture, $"appendonly.aof.{start.Item1}.base.rdb"), 1000, new string('a', 64)),
                BaseSequence = start.Item1,
                BaseTime = at.ToUnixTimeSeconds(),
                Start = new StreamPosition(start.Item1, start.Item2),
                StartDigest = startDigest,
                End = new StreamPosition(end.Item1, end.Item2),
                EndDigest = endDigest,
            },
            verified ? new Verification(at, 1, 1, 1, "") : null);
    }
}
