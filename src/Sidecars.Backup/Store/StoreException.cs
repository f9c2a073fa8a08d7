using Polly;
using Sidecars.Retries;

namespace Sidecars.Backup.Store;

/// <summary>Why a store did not do it.</summary>
public enum StoreFailure
{
    /// <summary>No object has this key.</summary>
    NotFound,

    /// <summary>Not allowed: wrong credentials or rights. Trying again helps only after somebody changed them.</summary>
    Denied,

    /// <summary>No space, no answer, throttled: try again later.</summary>
    Unavailable,

    /// <summary>What is there is not what was written: other length, other digest, other format. Trying again does not help.</summary>
    Damaged,

    /// <summary>The store lacks what backups rest on (a condition that it ignores): nothing is to be kept there.</summary>
    Unfit,
}

/// <summary>A store did not do what was asked, or an object is not what it should be; the message names the object.</summary>
public sealed class StoreException(StoreFailure failure, string key, string message, Exception? inner = null)
    : IOException($"{key}: {message}", inner)
{
    /// <summary>What kind of failure it is.</summary>
    public StoreFailure Failure { get; } = failure;

    /// <summary>How long the store asked to wait (<c>Retry-After</c>, bounded); null: it did not.</summary>
    public TimeSpan? Asked { get; init; }

    /// <summary>The object (or prefix).</summary>
    public string Key { get; } = key;

    /// <summary>Of a request that may be repeated: the store was away, busy or cut it off.</summary>
    internal static FailedTry? OfTry(Outcome<object> tried) =>
        tried.Exception is StoreException { Failure: StoreFailure.Unavailable } e ? new FailedTry(e.Asked) : null;
}
