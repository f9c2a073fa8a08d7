using System.Net;
using Sidecars.Core.Primitives;

namespace Sidecars.Aws;

/// <summary>What a refused request says of the credentials that signed it.</summary>
public enum CredentialsRefusal
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>They are right and have no such right; or others, which have it, lie at their source by now.</summary>
    Denied,

    /// <summary>They are valid no longer.</summary>
    Invalid,
}

/// <summary>What is known of the credentials when a request is to be signed. All times are durations of the monotonic clock.</summary>
public sealed record CredentialsFacts
{
    /// <summary>Since those that are held were obtained; null: none are held.</summary>
    public TimeSpan? Age { get; init; }

    /// <summary>From then until they end; null: no end is known.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>They are a session's, and their source does not say when it ends.</summary>
    public bool IsSessionOfUnknownEnd { get; init; }

    /// <summary>The gravest refusal since they were obtained.</summary>
    public CredentialsRefusal Refusal { get; init; }

    /// <summary>Resolutions in a row that failed, or that no accepted request has proven right; the larger number.</summary>
    public int Unproven { get; init; }

    /// <summary>Since the last resolution ended, whatever came of it; null: there was none.</summary>
    public TimeSpan? SinceResolution { get; init; }

    /// <summary>Since the last one because of <see cref="CredentialsRefusal.Denied"/>; null: there was none.</summary>
    public TimeSpan? SinceDenied { get; init; }

    /// <summary>Where in its range the pause lies, 0 to 1: drawn once for each resolution.</summary>
    public double Jitter { get; init; }
}

/// <summary>What to do before a request is signed.</summary>
public abstract record CredentialsDecision
{
    private CredentialsDecision()
    {
    }

    /// <summary>Sign with what is held.</summary>
    public sealed record Use : CredentialsDecision;

    /// <summary>Resolve anew, and sign with what that brings.</summary>
    public sealed record Resolve(string Reason) : CredentialsDecision;

    /// <summary>Sign with what is held, and resolve anew meanwhile: no request waits for a source while its credentials are good.</summary>
    public sealed record Refresh(string Reason) : CredentialsDecision;

    /// <summary>Nothing is held that could be signed with, and the source was asked only just now.</summary>
    public sealed record Wait(TimeSpan Remaining) : CredentialsDecision;
}

/// <summary>
/// When credentials are resolved anew: soon enough that they rotate by themselves, and never at the rate of the requests.
/// </summary>
public static class CredentialsPolicy
{
    /// <summary>
    /// Between resolutions that no accepted request has proven right. Until the person who has revoked a key has replaced it, its file is
    /// read twice a minute; a role that STS does not give is asked for as often.
    /// </summary>
    public static readonly BackoffSchedule Pause = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    /// <summary>
    /// Least time between resolutions because of a missing right. Mostly the credentials are not the cause: each STS session is another one
    /// though its role is the same, and requests that are permitted come in between: so neither news nor success may shorten this.
    /// </summary>
    public static readonly TimeSpan DeniedPause = TimeSpan.FromMinutes(5);

    /// <summary>How often a session without a known end (environment, files: all free to read) is read again.</summary>
    public static readonly TimeSpan SessionCheck = TimeSpan.FromMinutes(1);

    // Requests that were signed before the end arrive after it: S3 and Route 53 count from their own clocks.
    private static readonly TimeSpan LongestMargin = TimeSpan.FromMinutes(15);

    /// <summary>Decides.</summary>
    public static CredentialsDecision Decide(CredentialsFacts facts)
    {
        var pause = facts.Unproven == 0 ? TimeSpan.Zero : Pause.DelayAfter(facts.Unproven - 1, facts.Jitter);
        var isPaused = facts.SinceResolution < pause;
        if (facts.Age is not { } age || age >= facts.Lifetime)
        {
            if (isPaused) return new CredentialsDecision.Wait(pause - facts.SinceResolution!.Value);
            return new CredentialsDecision.Resolve(facts.Age is null ? "none" : "expired");
        }

        if (isPaused) return new CredentialsDecision.Use();
        if (facts.Refusal == CredentialsRefusal.Invalid) return new CredentialsDecision.Resolve("invalid");
        if (facts.Refusal == CredentialsRefusal.Denied && !(facts.SinceDenied < DeniedPause))
            return new CredentialsDecision.Resolve("denied");
        if (facts.Lifetime is { } lifetime && age >= lifetime - Margin(lifetime)) return new CredentialsDecision.Refresh("expiring");
        if (facts.IsSessionOfUnknownEnd && facts.SinceResolution >= SessionCheck) return new CredentialsDecision.Refresh("session-check");
        return new CredentialsDecision.Use();
    }

    /// <summary>
    /// What a refusal says. Sources: S3 API reference, "List of error codes"; Route 53 API reference, "Common error types". Not among them:
    /// RequestExpired and RequestTimeTooSkewed, which are about clocks, and malformed requests (IncompleteSignature).
    /// </summary>
    public static CredentialsRefusal Classify(HttpStatusCode status, string? code) => code switch
    {
        // S3; InvalidTokenId is MinIO's, UserSuspended Ceph's.
        "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" or "InvalidSecurity"
            or "InvalidTokenId" or "UserSuspended" => CredentialsRefusal.Invalid,
        // Route 53 and STS. A key is deleted before it is replaced, or a secret belongs to another key: both heal at the source.
        "InvalidClientTokenId" or "UnrecognizedClientException" or "InvalidSignatureException" or "ExpiredTokenException" =>
            CredentialsRefusal.Invalid,
        "AccessDenied" or "AccessDeniedException" or "NotAuthorized" => CredentialsRefusal.Denied,
        // Answers without a body: proxies, and other implementations of S3.
        null or "" or "Forbidden" or "Unauthorized" when status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized =>
            CredentialsRefusal.Denied,
        _ => CredentialsRefusal.None,
    };

    // The SDK's 15 minutes are all of a session of 920 s: each request would ask for another.
    private static TimeSpan Margin(TimeSpan lifetime) => lifetime / 4 < LongestMargin ? lifetime / 4 : LongestMargin;
}
