using System.Collections.Concurrent;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Store;

namespace Sidecars.Backup.Upload;

/// <summary>Counts and states of an uploader, for logs and metrics. Written by one loop, read by any thread.</summary>
public sealed class UploadCounters
{
    /// <summary>Every reason of a failure: see <see cref="FailuresByReason"/>.</summary>
    internal static readonly string[] Reasons =
    [
        .. Enum.GetNames<StoreFailure>().Select(failure => failure.ToLowerInvariant()),
        "chain_broken", "dataset_replaced", "increment_gone", "not_proven", "other_content", "rewritten_meanwhile", "shrunk",
        "start_unknown", "stream_broken",
        "too_far_behind", "refused", "other",
    ];

    private readonly ConcurrentDictionary<string, long> _failures = new(StringComparer.Ordinal);
    private long _covered;
    private long _verified;
    private long _stepped;

    /// <summary>Segments shipped.</summary>
    public long Segments { get; internal set; }

    /// <summary>Bytes of segments shipped.</summary>
    public long TailBytes { get; internal set; }

    /// <summary>Backups completed.</summary>
    public long Bases { get; internal set; }

    /// <summary>Bytes that wait.</summary>
    public long PendingBytes { get; internal set; }

    /// <summary>Generations begun.</summary>
    public long Generations { get; internal set; }

    /// <summary>The generation being written; 0 while this node does not upload.</summary>
    public long Generation { get; internal set; }

    /// <summary>Whether this node uploads.</summary>
    public bool LeaseHeld { get; internal set; }

    /// <summary>What is damaged or missing in the store; null before the first walk along it of this node's time with the lease.</summary>
    public long? Holes { get; internal set; }

    /// <summary>All failures.</summary>
    public long Failures => _failures.Values.Sum();

    /// <summary>
    /// What failed, by a closed set of reasons: those of <see cref="StoreFailure"/> in lower case, the codes of
    /// <see cref="GenerationEndedException"/>, <c>refused</c> (the server refuses what the next backup needs; every flush), and
    /// <c>other</c>.
    /// </summary>
    public IReadOnlyDictionary<string, long> FailuresByReason => _failures;

    /// <summary>Unix milliseconds up to which all is in the store; 0 before the first flush of this node's time with the lease.</summary>
    public long CoveredUntilMilliseconds
    {
        get => Interlocked.Read(ref _covered);
        internal set => Interlocked.Exchange(ref _covered, value);
    }

    /// <summary>Unix milliseconds of the newest drill that succeeded; 0: none, or not known here.</summary>
    public long VerifiedAtMilliseconds
    {
        get => Interlocked.Read(ref _verified);
        internal set => Interlocked.Exchange(ref _verified, value);
    }

    /// <summary>What that drill took to restore and to load.</summary>
    public TimeSpan VerifiedRestore { get; internal set; }

    /// <summary>Timestamp (<see cref="TimeProvider.GetTimestamp"/>) of the loop's last step, failed or not.</summary>
    public long SteppedAt { get => Interlocked.Read(ref _stepped); internal set => Interlocked.Exchange(ref _stepped, value); }

    internal void Fail(string reason) => _failures.AddOrUpdate(reason, 1, (_, count) => count + 1);

    internal void Fail(IOException e) => Fail(e is StoreException store ? store.Failure.ToString().ToLowerInvariant() : "other");

    internal void Hold(long generation) => (LeaseHeld, Generation) = (true, generation);

    internal void Release() => (LeaseHeld, Generation, CoveredUntilMilliseconds, PendingBytes, Holes) = (false, 0, 0, 0, null);

    internal void Know(Catalogue catalogue)
    {
        if (catalogue.Backups.Where(b => b.Verification is not null).Select(b => b.Verification!).MaxBy(v => v.VerifiedAt)
            is not { } newest)
            return;
        VerifiedAtMilliseconds = newest.VerifiedAt.ToUnixTimeMilliseconds();
        VerifiedRestore = TimeSpan.FromMilliseconds(newest.RestoreMilliseconds + newest.LoadMilliseconds);
    }
}
