using Amazon.S3;
using Sidecars.Aws;
using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Backup.Store.S3;

/// <summary>One request, or a few tries of it, each bounded in time; failures as <see cref="StoreException"/>.</summary>
internal sealed class S3Attempts(
    S3Settings settings, S3Errors errors, RotatingCredentials credentials, TimeProvider time, Func<double> random)
{
    // A lost connection or a SlowDown. What lasts longer is the caller's to wait for: the uploader has files to watch meanwhile.
    private static readonly RetryRules Rules = new(new BackoffSchedule(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(2)))
    {
        Failed = StoreException.OfTry,
        MostTries = 3,
        MostWait = TimeSpan.FromSeconds(10),
    };

    private readonly RetryPipeline _retries = new(Rules, time, random);

    public TimeProvider Time => time;

    /// <summary>For what may be done twice.</summary>
    public Task<T> RepeatAsync<T>(string key, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellation) =>
        _retries.RunAsync(token => OnceAsync(key, Within(bytes), request, token), cancellation);

    /// <summary>How long a request with a body of so many bytes may take.</summary>
    public TimeSpan Within(long bytes) => settings.Timeout + TimeSpan.FromSeconds((double)bytes / settings.SlowestBytesPerSecond);

    /// <summary>
    /// For what may not: a write with a condition, whose lost answer would make a second try fail on its own success. A request whose
    /// credentials were refused was not carried out: it is sent once more where others have been found by now.
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
            throw errors.Of(StoreFailure.Unavailable, key, $"no answer within {DurationText.About(within)}", e);
        }
        catch (Exception e) when (errors.Map(key, e) is { } mapped)
        {
            throw mapped;
        }
    }
}
