using Amazon.S3;
using Sidecars.Aws;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Store.S3;

/// <summary>One request, or a few tries of it, each bounded in time; failures as <see cref="StoreException"/>.</summary>
internal sealed class S3Attempts(S3Settings settings, RotatingCredentials credentials, TimeProvider time)
{
    private const int Tries = 3; // a lost connection or a SlowDown; what lasts longer is the caller's to wait for
    private static readonly BackoffSchedule Backoff = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(2));

    public TimeProvider Time => time;

    /// <summary>For what may be done twice.</summary>
    public async Task<T> RepeatAsync<T>(string key, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellation)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                return await OnceAsync(key, Within(bytes), request, cancellation).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Unavailable && failures < Tries - 1)
            {
                await Task.Delay(Backoff.DelayAfter(failures, Random.Shared.NextDouble()), time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>How long a request with a body of so many bytes may take.</summary>
    public TimeSpan Within(long bytes) => settings.Timeout + TimeSpan.FromSeconds((double)bytes / settings.SlowestBytesPerSecond);

    /// <summary>
    /// For what may not: a write with a condition, whose lost answer would make a second try fail on its own success. A request whose credentials
    /// were refused was not carried out: it is sent once more where others have been found by now.
    /// </summary>
    public async Task<T> OnceAsync<T>(string key, TimeSpan within, Func<CancellationToken, Task<T>> request, CancellationToken cancellation)
    {
        for (var isAgain = false; ; isAgain = true)
        {
            var generation = 0;
            try
            {
                return await SignedAsync(key, within, request, used => generation = used, cancellation).ConfigureAwait(false);
            }
            catch (StoreException e) when (e.InnerException is AmazonS3Exception)
            {
                var refused = (AmazonS3Exception)e.InnerException;
                var refusal = CredentialsPolicy.Classify(refused.StatusCode, refused.ErrorCode);
                if (!await credentials.RefusedAsync(generation, refusal, cancellation).ConfigureAwait(false) || isAgain) throw;
            }
        }
    }

    private async Task<T> SignedAsync<T>(
        string key, TimeSpan within, Func<CancellationToken, Task<T>> request, Action<int> signedBy, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(within, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            // Here, where it can be given up: the SDK waits for them whatever the token.
            _ = await credentials.GetCredentialsAsync().WaitAsync(both.Token).ConfigureAwait(false);
            var generation = credentials.Generation;
            signedBy(generation);
            var done = await request(both.Token).ConfigureAwait(false);
            credentials.Accepted(generation);
            return done;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new StoreException(StoreFailure.Unavailable, key, $"no answer within {within.TotalSeconds:0} s", e);
        }
        catch (Exception e) when (S3Errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
    }
}
