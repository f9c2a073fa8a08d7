using System.Collections.Concurrent;
using Amazon.Runtime;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;

namespace Sidecars.Aws;

/// <summary>A resolution and what came of it.</summary>
/// <param name="Reason">none, expired, expiring, session-check, invalid, denied.</param>
/// <param name="Outcome">new, unchanged, failed.</param>
/// <param name="Message">In words; no secret is in it.</param>
public sealed record CredentialsResolution(string Reason, string Outcome, string Message);

/// <summary>
/// Credentials of a process, resolved anew as <see cref="CredentialsPolicy"/> says: one for all that it signs, so that a source is asked
/// once however many requests need it. A client signs with them, and tells what became of its request.
/// </summary>
public sealed class RotatingCredentials : AWSCredentials
{
    // Instance metadata that nobody answers takes the SDK some 35 s; a source may hang for ever.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(45);
    private readonly Lock _gate = new();
    private readonly Func<CancellationToken, Task<ResolvedCredentials>> _chain;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly ConcurrentDictionary<(string Reason, string Outcome), long> _counts = new();
    private Held? _held;
    private CredentialsRefusal _refusal;
    private int _failed;
    private int _unproven;
    private long? _resolved;
    private long? _denied;
    private double _jitter;
    private Exception? _failure;
    private Task? _resolving;

    /// <summary>Asks nobody yet.</summary>
    /// <param name="chain">See <see cref="AwsCredentials.ResolveAsync"/>.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">A number in [0, 1).</param>
    public RotatingCredentials(Func<CancellationToken, Task<ResolvedCredentials>> chain, TimeProvider time, Func<double> random) =>
        (_chain, _time, _random) = (chain, time, random);

    /// <summary>Uses the SDK's chain of sources.</summary>
    public static RotatingCredentials Default(TimeProvider time, Func<double> random) => new(AwsCredentials.ResolveAsync, time, random);

    /// <summary>Uses one source instead of the SDK's chain.</summary>
    public static RotatingCredentials Of(AWSCredentials source) =>
        new(_ => ResolvedCredentials.OfAsync(source), TimeProvider.System, () => 0.5);

    /// <summary>Called after each resolution, before its waiters go on. It must neither block nor throw.</summary>
    public Action<CredentialsResolution>? Resolved { get; set; }

    /// <summary>What a request is signed with now, to be named when it was refused or accepted; 0: nothing yet.</summary>
    public int Generation
    {
        get
        {
            lock (_gate) return _held?.Generation ?? 0;
        }
    }

    /// <summary>
    /// Says in the log, which must not block (<see cref="QueuedLog"/>), what became of each resolution; that nothing changed, in debug
    /// only.
    /// </summary>
    public void LogTo(JsonLineLog log) => Resolved = resolution => log.Write(
        resolution.Outcome switch { "new" => LogLevel.Info, "failed" => LogLevel.Warning, _ => LogLevel.Debug },
        "aws-credentials",
        resolution.Message,
        LogField.Of("reason", resolution.Reason),
        LogField.Of("outcome", resolution.Outcome));

    /// <summary>How often credentials were looked for, by what came of it and why.</summary>
    public IEnumerable<(string Outcome, string Reason, long Times)> Resolutions =>
        _counts.Select(c => (c.Key.Outcome, c.Key.Reason, c.Value));

    /// <inheritdoc/>
    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        var (decision, resolving) = Next();
        if (decision is CredentialsDecision.Resolve) await resolving!.ConfigureAwait(false);
        lock (_gate)
        {
            if (_held is { } held && !(_time.GetElapsedTime(held.Obtained) >= held.Lifetime)) return held.Keys;
            if (_failure is null) throw new AmazonClientException("the credentials have expired");
            throw new AmazonClientException(Words(_failure), Cause(_failure));
        }
    }

    /// <summary>What is held. The SDK asks this way in synchronous calls only, of which there are none here.</summary>
    public override ImmutableCredentials GetCredentials()
    {
        lock (_gate) return _held?.Keys ?? throw new AmazonClientException("no credentials were resolved yet");
    }

    /// <summary>A request that these signed was accepted.</summary>
    public void Accepted(int generation)
    {
        lock (_gate)
        {
            if (generation == _held?.Generation) (_unproven, _refusal) = (0, CredentialsRefusal.None);
        }
    }

    /// <summary>A request that these signed was refused. True: others are here by now, and the request may be sent again.</summary>
    public async Task<bool> RefusedAsync(int generation, CredentialsRefusal refusal, CancellationToken cancellation)
    {
        if (refusal == CredentialsRefusal.None) return false;
        lock (_gate)
        {
            if (_held is not { } held || generation < held.Generation) return _held is not null;
            if (refusal > _refusal) _refusal = refusal;
        }

        var (decision, resolving) = Next();
        if (decision is CredentialsDecision.Resolve) await resolving!.WaitAsync(cancellation).ConfigureAwait(false);
        return Generation > generation;
    }

    private (CredentialsDecision Decision, Task? Resolving) Next()
    {
        lock (_gate)
        {
            var decision = CredentialsPolicy.Decide(new CredentialsFacts
            {
                Age = _held is null ? null : _time.GetElapsedTime(_held.Obtained),
                Lifetime = _held?.Lifetime,
                IsSessionOfUnknownEnd = _held is { IsSessionOfUnknownEnd: true },
                Refusal = _refusal,
                Unproven = Math.Max(_failed, _unproven),
                SinceResolution = _resolved is { } at ? _time.GetElapsedTime(at) : null,
                SinceDenied = _denied is { } then ? _time.GetElapsedTime(then) : null,
                Jitter = _jitter,
            });
            var reason = (decision as CredentialsDecision.Resolve)?.Reason ?? (decision as CredentialsDecision.Refresh)?.Reason;
            // On the pool: sources block (instance metadata), and this lock is held.
            if (reason is not null && _resolving is null)
            {
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _resolving = done.Task;
                _ = Task.Run(() => ResolveAsync(reason, done));
            }

            return (decision, _resolving);
        }
    }

    private async Task ResolveAsync(string reason, TaskCompletionSource done)
    {
        ResolvedCredentials? found = null;
        Exception? failure = null;
        using var stop = new CancellationTokenSource(Deadline, _time);
        try
        {
            found = await _chain(stop.Token).WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            failure = new TimeoutException($"no credentials within {DurationText.Of(Deadline)}", e);
        }
        catch (Exception e) // of any type: the SDK's sources throw what they meet, and a program of the user's is among them
        {
            failure = e;
        }

        try
        {
            var resolution = Take(reason, found, failure);
            _counts.AddOrUpdate((resolution.Reason, resolution.Outcome), 1, (_, count) => count + 1);
            Resolved?.Invoke(resolution);
        }
        finally
        {
            done.SetResult(); // nobody awaits this task itself, and every request waits for this one
        }
    }

    private CredentialsResolution Take(string reason, ResolvedCredentials? found, Exception? failure)
    {
        lock (_gate)
        {
            if (found?.Expiration <= _time.GetUtcNow())
                (found, failure) = (null, new InvalidOperationException("the source gave credentials that had expired"));
            (_resolving, _failure, _resolved, _jitter) = (null, failure, _time.GetTimestamp(), _random());
            if (reason == "denied") _denied = _resolved;
            _failed = found is null ? _failed + 1 : 0;
            if (found is null) return new CredentialsResolution(reason, "failed", Words(failure!));

            var isNew = _held is not { } held || !IsSame(held.Keys, found.Keys);
            if (reason is "invalid" or "denied") _unproven++; // refused once more, they are not looked for at the rate of the requests
            _held = new Held(
                (_held?.Generation ?? 0) + (isNew ? 1 : 0), found.Keys, _time.GetTimestamp(), found.Expiration - _time.GetUtcNow(),
                found is { IsRefreshedBySource: false, Expiration: null } && found.Keys.UseToken);
            if (isNew) _refusal = CredentialsRefusal.None;
            var until = found.Expiration is { } end ? $", valid until {end.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}" : "";
            return new CredentialsResolution(reason, isNew ? "new" : "unchanged", $"access key {found.Keys.AccessKey}{until}");
        }
    }

    // "Error calling AssumeRole for role …" says nothing without what STS said, which is the next one inside.
    private static string Words(Exception failure) =>
        failure.InnerException is { } inner ? $"{failure.Message.Trim()}: {inner.Message.Trim()}" : failure.Message.Trim();

    // A source that is not reached is not one that refuses: S3Store tells them apart by what is inside.
    private static Exception Cause(Exception failure)
    {
        for (var inner = failure; inner is not null; inner = inner.InnerException)
            if (inner is HttpRequestException or IOException) return inner;
        return failure;
    }

    private static bool IsSame(ImmutableCredentials one, ImmutableCredentials other) =>
        one.AccessKey == other.AccessKey && one.SecretKey == other.SecretKey && one.Token == other.Token;

    private sealed record Held(int Generation, ImmutableCredentials Keys, long Obtained, TimeSpan? Lifetime, bool IsSessionOfUnknownEnd);
}
