using Sidecars.Backup.Archive;
using Sidecars.Backup.Retention;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Upload;

/// <summary>
/// Walks along what lies in the store, beside the uploader's steps, which never wait for it. What a person or a lifecycle rule has deleted
/// there nothing else would tell before a restore.
/// </summary>
internal sealed class ChainWatch(BackupStore store, UploaderOptions options, UploadCounters counters, JsonLineLog log, TimeProvider time)
    : IDisposable
{
    // The uploader's own steps notice a store that is away; this one only looks.
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stop = new();
    private long? _failedAt;
    private Task<StoreReview>? _walk;
    private long? _walked;
    private string _told = "";

    /// <summary>Begins a walk where one is due.</summary>
    /// <returns>What a walk found that has ended; else null.</returns>
    public async Task<StoreReview?> StepAsync(Catalogue catalogue)
    {
        if (_failedAt is { } at && time.GetElapsedTime(at) < AfterFailure) return null;
        if (_walk is null && (_walked is null || time.GetElapsedTime(_walked.Value) >= options.Walk))
            _walk = StoreReview.WalkAsync(store, catalogue, options.Retention, time.GetUtcNow(), _stop.Token);
        if (_walk is not { IsCompleted: true } walk) return null;
        _walk = null;
        StoreReview review;
        try
        {
            review = await walk.ConfigureAwait(false);
        }
        catch (IOException e)
        {
            _failedAt = time.GetTimestamp();
            log.Warning("chain_unread", $"what is stored can't be looked through: {e.Message}; again in {DurationText.Of(AfterFailure)}");
            return null;
        }

        (_walked, _failedAt) = (time.GetTimestamp(), null);
        counters.Holes = review.Faults;
        var lines = string.Join("; ", review.Lines());
        // Once for each finding: it stays until it has left the recovery window.
        if (review.Faults > 0 && lines != _told) log.Warning("backup_damaged", lines, LogField.Of("holes", review.Faults));
        _told = lines;
        return review;
    }

    /// <summary>A walk is due: there is one backup more.</summary>
    public void Again() => _walked = null;

    /// <summary>Gives up a walk that is under way.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        // Nobody asks any more how it went.
        _ = _walk?.ContinueWith(walk => walk.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        _stop.Dispose();
    }
}
