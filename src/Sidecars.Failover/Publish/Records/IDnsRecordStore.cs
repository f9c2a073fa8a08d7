namespace Sidecars.Failover.Publish.Records;

/// <summary>A zone that records are read from and written to. Held to one contract by <c>DnsStoreContract</c>.</summary>
public interface IDnsRecordStore
{
    /// <summary>For messages: which zone, where.</summary>
    string Description { get; }

    /// <summary>All record sets at two names, of every type. A part of them is a failure, never a snapshot.</summary>
    Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation);

    /// <summary>
    /// Applies all of it or nothing. <see cref="TargetFailureKind.Conflict"/> where a deletion is not exactly what is there, or a creation
    /// meets something: read again and decide again. After another failure it may have been applied all the same.
    /// </summary>
    /// <returns>The change, for <see cref="IsPropagatedAsync"/>; "" where there is nothing to wait for.</returns>
    Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation);

    /// <summary>Whether a change has reached all name servers; null: not known. Asked rarely, for a metric.</summary>
    Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation);
}
