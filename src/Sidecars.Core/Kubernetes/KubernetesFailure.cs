namespace Sidecars.Core.Kubernetes;

/// <summary>
/// Why a call brought no document. Closed; never an exception, since each of these is expected in operation. <see cref="Message"/>
/// is for people and holds no secret: it comes from the Status object of the server or names the stage that failed.
/// </summary>
/// <param name="Message">What happened, at most a few hundred characters.</param>
public abstract record KubernetesFailure(string Message)
{
    // Characters of a text of the server's that are kept: enough for the reason of a Status object, and no log line is filled by a proxy's
    // page.
    private const int MaxText = 300;

    /// <summary>How long the server asked to wait (its <c>Retry-After</c>, bounded); null: it did not.</summary>
    public TimeSpan? AskedToWait =>
        this switch { Throttled throttled => throttled.RetryAfter, ServerError error => error.RetryAfter, _ => null };

    /// <summary>Text that came from the server, as it may stand in a log: bounded, without control characters.</summary>
    public static string Clip(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var clean = string.Concat(text.Take(MaxText).Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length > MaxText ? clean + "…" : clean;
    }

    /// <summary>404: the object does not exist.</summary>
    public sealed record NotFound(string Message) : KubernetesFailure(Message);

    /// <summary>
    /// 409, or 422 for a missing resourceVersion: the object is not the one that was read. Somebody wrote first, or the
    /// object was deleted (its uid is sent as precondition), or a create met an existing object.
    /// </summary>
    public sealed record Conflict(string Message) : KubernetesFailure(Message);

    /// <summary>403: the Role does not allow it. Configuration: retrying does not help.</summary>
    public sealed record Forbidden(string Message) : KubernetesFailure(Message);

    /// <summary>401 also with the token as it is in the file now, or no token can be read.</summary>
    public sealed record Unauthorized(string Message) : KubernetesFailure(Message);

    /// <summary>
    /// 429, or not sent since an earlier wait is not over: nothing was done; ask again after <paramref name="RetryAfter"/>, if the server
    /// named one.
    /// </summary>
    /// <param name="Message">The server's words.</param>
    /// <param name="RetryAfter">The server's <c>Retry-After</c>, capped at one minute.</param>
    public sealed record Throttled(string Message, TimeSpan? RetryAfter) : KubernetesFailure(Message);

    /// <summary>Any other 3xx or 4xx: the request is wrong for this server (validation, admission, unknown resource).</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Message">The server's words.</param>
    public sealed record Rejected(int Status, string Message) : KubernetesFailure(Message);

    /// <summary>5xx.</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Message">The server's words.</param>
    /// <param name="RetryAfter">The server's <c>Retry-After</c>, capped at one minute.</param>
    public sealed record ServerError(int Status, string Message, TimeSpan? RetryAfter) : KubernetesFailure(Message);

    /// <summary>No full answer within the deadline.</summary>
    public sealed record TimedOut(string Message) : KubernetesFailure(Message);

    /// <summary>Refused, no route, no such name, a certificate that the cluster's CA did not sign, or cut off midway.</summary>
    public sealed record Unreachable(string Message) : KubernetesFailure(Message);

    /// <summary>An answer that is not what was asked for: broken JSON, too long, another object.</summary>
    public sealed record Malformed(string Message) : KubernetesFailure(Message);
}

/// <summary>The outcome of a read.</summary>
/// <typeparam name="T">The document.</typeparam>
public abstract record KubernetesRead<T>
{
    private KubernetesRead()
    {
    }

    /// <summary>The object as the server has it (a quorum read: no <c>resourceVersion</c> is given, so no cache answers).</summary>
    public sealed record Found(T Document) : KubernetesRead<T>;

    /// <summary>No document; <see cref="KubernetesFailure.NotFound"/> is the only one that says anything about the object.</summary>
    public sealed record Failed(KubernetesFailure Failure) : KubernetesRead<T>;
}

/// <summary>The outcome of a write, in the three cases that a caller must tell apart.</summary>
/// <typeparam name="T">The document.</typeparam>
public abstract record KubernetesWrite<T>
{
    private KubernetesWrite()
    {
    }

    /// <summary>Written; the document carries the new resourceVersion.</summary>
    /// <param name="Document">The object as stored.</param>
    /// <param name="Created">True where it did not exist before (201).</param>
    public sealed record Written(T Document, bool Created) : KubernetesWrite<T>;

    /// <summary>Certainly not written by this call.</summary>
    public sealed record NotWritten(KubernetesFailure Failure) : KubernetesWrite<T>;

    /// <summary>
    /// Perhaps written: the request may have reached the server (time-out, 5xx, cut off, unreadable answer). The caller
    /// must read the object again before it believes anything.
    /// </summary>
    public sealed record OutcomeUnknown(KubernetesFailure Failure) : KubernetesWrite<T>;
}
