using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Publish.Records;

/// <summary>
/// Publishes through one store until it is settled: published, superseded, contested or refused. What it last saw or wrote is
/// remembered, so that a switch costs one call, the write: where that memory is old, the zone refuses the batch, and it reads. It
/// never gives up by itself. Not safe for concurrent use.
/// </summary>
/// <param name="store">The zone.</param>
/// <param name="backoff">Between failures: a throttled account is the normal case in a zone outage.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class DnsPublisher(IDnsRecordStore store, BackoffSchedule backoff, TimeProvider time, Func<double> random)
{
    private DnsSnapshot? _remembered;

    /// <summary>Called for each failure and conflict, before the pause: for log and metrics.</summary>
    public Action<DnsFailure>? OnFailure { get; init; }

    /// <summary>Publishes. The decision that settled it; after a write of its own, the <see cref="DnsDecision.Publish"/>.</summary>
    /// <param name="wanted">
    /// What this writer knows; read anew before each try, since it may learn of a newer master while it waits. Null: it has nothing to
    /// publish any more, and the result is null.
    /// </param>
    /// <param name="fresh">True: looks first, whatever it remembers.</param>
    /// <param name="cancellation">The only other end.</param>
    public async Task<(DnsDecision Decision, string ChangeId)?> PublishAsync(Func<DnsPublication?> wanted, bool fresh, CancellationToken cancellation)
    {
        var failing = new RetryPause(backoff, time, random);
        if (fresh) _remembered = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (wanted() is not { } publication) return null;
            var isRead = _remembered is null;
            DnsFailure? failure = null;
            if (isRead) failure = await ReadAsync(publication.Name, publication.OwnerName, cancellation);
            if (_remembered is { } zone)
            {
                var decision = DnsPublishPolicy.Decide(publication, zone);
                // Only a look of now may end it: another may have written since.
                if (decision is not DnsDecision.Publish publish)
                {
                    if (isRead) return (decision, "");
                    _remembered = null;
                    continue;
                }

                var write = await store.ApplyAsync(publish.Change, cancellation);
                if (write is DnsWrite.Applied applied)
                {
                    _remembered = zone.After(publish.Change);
                    return (decision, applied.ChangeId);
                }

                // A throttled call was not carried out: what is remembered still stands, and the next try costs one call, not two.
                if (write is not DnsWrite.Failed { Failure.Kind: DnsFailureKind.Throttled }) _remembered = null;
                failure = write switch
                {
                    DnsWrite.Failed failed => failed.Failure,
                    // The first conflict of a remembered snapshot was to be expected: look at once.
                    DnsWrite.Conflict when !isRead => null,
                    DnsWrite.Conflict conflict => new DnsFailure(DnsFailureKind.Throttled, "another writer was faster: " + conflict.Reason),
                    _ => null,
                };
            }

            if (failure is null) continue;
            OnFailure?.Invoke(failure);
            await Task.Delay(failing.Failed(failure.RetryAfter), time, cancellation);
        }
    }

    /// <summary>Reads once and remembers: what the zone says of the master, null where it says nothing that is understood.</summary>
    /// <param name="name">The record.</param>
    /// <param name="ownerName">Its TXT record.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="IOException">The zone can't be read now.</exception>
    public async Task<DnsRecordState?> LookAsync(string name, string ownerName, CancellationToken cancellation)
    {
        _remembered = null;
        return await ReadAsync(name, ownerName, cancellation) is { } failure
            ? throw new IOException($"{failure.Kind}: {failure.Message}")
            : DnsPublishPolicy.Published(ownerName, _remembered!);
    }

    private async Task<DnsFailure?> ReadAsync(string name, string ownerName, CancellationToken cancellation)
    {
        switch (await store.ReadAsync(name, ownerName, cancellation))
        {
            case DnsRead.Known known:
                _remembered = known.Snapshot;
                return null;
            case DnsRead.Failed failed:
                return failed.Failure;
            default:
                return null;
        }
    }
}
