namespace Sidecars.Failover.Publish.Records;

/// <summary>A zone that records are read from and written to. Held to one contract by <c>DnsStoreContract</c>.</summary>
public interface IDnsRecordStore
{
    /// <summary>For messages: which zone, where.</summary>
    string Description { get; }

    /// <summary>All record sets at two names, of every type. A part of them is a failure, never a snapshot.</summary>
    Task<DnsRead> ReadAsync(string name, string ownerName, CancellationToken cancellation);

    /// <summary>
    /// Applies all of it or nothing. <see cref="DnsWrite.Conflict"/> where a deletion is not exactly what is there, or a creation
    /// meets something: read again and decide again. After a failure it may have been applied all the same.
    /// </summary>
    Task<DnsWrite> ApplyAsync(DnsChange change, CancellationToken cancellation);

    /// <summary>Whether a change has reached all name servers; null: not known. Asked rarely, for a metric.</summary>
    Task<bool?> IsEverywhereAsync(string changeId, CancellationToken cancellation);
}

/// <summary>Outcome of a read.</summary>
public abstract record DnsRead
{
    private DnsRead()
    {
    }

    /// <summary>Read whole.</summary>
    public sealed record Known(DnsSnapshot Snapshot) : DnsRead;

    /// <summary>Unknown.</summary>
    public sealed record Failed(DnsFailure Failure) : DnsRead;
}

/// <summary>Outcome of a write.</summary>
public abstract record DnsWrite
{
    private DnsWrite()
    {
    }

    /// <summary>Applied; the id is for <see cref="IDnsRecordStore.IsEverywhereAsync"/>, "" where there is none.</summary>
    public sealed record Applied(string ChangeId) : DnsWrite;

    /// <summary>Another was there before: nothing is changed.</summary>
    public sealed record Conflict(string Reason) : DnsWrite;

    /// <summary>Not known to be applied.</summary>
    public sealed record Failed(DnsFailure Failure) : DnsWrite;
}

/// <summary>Why a zone can't be read or written.</summary>
public enum DnsFailureKind
{
    /// <summary>Too many requests of this account, or of this zone at once: later.</summary>
    Throttled,

    /// <summary>Not reached, or no answer, or one that is not understood: it may have acted.</summary>
    Unavailable,

    /// <summary>Credentials missing, expired or without the right.</summary>
    Denied,

    /// <summary>The setting is wrong: no such zone, a name outside it.</summary>
    Misconfigured,
}

/// <summary>Why, in words for people and a kind for metrics.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Message">Without secrets.</param>
/// <param name="RetryAfter">What the server asks for; null: nothing.</param>
public sealed record DnsFailure(DnsFailureKind Kind, string Message, TimeSpan? RetryAfter = null);
