using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Failover.Publish;

/// <summary>
/// A target, whatever its state is made of, and what is remembered of it. The only writer of a target in a process; not safe for concurrent
/// use.
/// </summary>
public interface ITargetWriter : IDisposable
{
    /// <inheritdoc cref="IPublishTarget{TState,TChange}.Name"/>
    string Name { get; }

    /// <inheritdoc cref="IPublishTarget{TState,TChange}.Description"/>
    string Description { get; }

    /// <inheritdoc cref="IPublishTarget{TState,TChange}.AddressOf"/>
    string? AddressOf(MasterAddresses addresses);

    /// <summary>What it was last seen to say, or was written; null: nothing, or nothing that is remembered.</summary>
    PublishedMaster? Remembered { get; }

    /// <summary>
    /// Reads what stands there, and remembers it, so that the next write needs no read. Null: nothing, or nothing of ours.
    /// </summary>
    /// <exception cref="IOException">It can't be read.</exception>
    Task<PublishedMaster?> LookAsync(CancellationToken cancellation);

    /// <summary>Publishes: tries until it is settled, or no longer wanted (null), or cancelled.</summary>
    /// <param name="order">Whom.</param>
    /// <param name="desired">Asked before each try.</param>
    /// <param name="fresh">Read first, whatever is remembered.</param>
    /// <param name="cancellation">Ends it.</param>
    Task<PublishOutcome?> PublishAsync(PublishOrder order, IDesiredMasters desired, bool fresh, CancellationToken cancellation);

    /// <inheritdoc cref="IPublishTarget{TState,TChange}.IsPropagatedAsync"/>
    Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation);
}

/// <summary>
/// Read, plan, write by compare-and-swap, and again, until it is settled. What was last seen or written is remembered, so that a switch
/// costs one call, the write: where that is old, the target refuses it, and it is read.
/// </summary>
/// <param name="target">The target.</param>
/// <param name="cluster">The group.</param>
/// <param name="backoff">Between failures: a throttled account is the normal case in a zone outage.</param>
/// <param name="failed">Called for each failure, before the pause: for log and metrics.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
/// <param name="owned">Disposed with it.</param>
public sealed class TargetWriter<TState, TChange>(
    IPublishTarget<TState, TChange> target, ClusterId cluster, BackoffSchedule backoff, Action<TargetFailure> failed, TimeProvider time,
    Func<double> random, IDisposable? owned = null) : ITargetWriter
{
    // Each raise is a compare-and-swap; whoever is overtaken so often is not alone in believing to be master.
    private const int MostRaises = 3;

    private readonly RetryPause _failing = new(backoff, time, random);
    private readonly RetryPipeline _retries = new(
        new RetryRules(backoff)
        {
            Failed = static tried => tried.Result is Try { Failure: { } failure } ? new FailedTry(failure.RetryAfter) : null,
            Told = (tried, _) => failed(((Try)tried.Result!).Failure!),
        },
        time,
        random);

    private TargetResult<TState>.Done? _remembered;

    /// <inheritdoc/>
    public string Name => target.Name;

    /// <inheritdoc/>
    public string Description => target.Description;

    /// <inheritdoc/>
    public string? AddressOf(MasterAddresses addresses) => target.AddressOf(addresses);

    /// <inheritdoc/>
    public PublishedMaster? Remembered => _remembered is { Value: var state } ? target.MasterOf(state) : null;

    /// <inheritdoc/>
    public async Task<PublishedMaster?> LookAsync(CancellationToken cancellation)
    {
        if (_failing.AskedLeft is { Ticks: > 0 } left)
            throw new IOException($"not asked: it asked to wait, {DurationText.About(left)} of that are left");
        if (await ReadAsync(cancellation).ConfigureAwait(false) is not { } failure) return target.MasterOf(_remembered!.Value);
        if (failure.RetryAfter is { } asked)
        {
            _failing.Succeeded(); // it answers: what is published after that wait begins with the first step
            _failing.Failed(asked);
        }

        throw new IOException($"{failure.Kind}: {failure.Message}");
    }

    /// <inheritdoc/>
    public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) =>
        target.IsPropagatedAsync(changeId, cancellation);

    /// <inheritdoc/>
    public async Task<PublishOutcome?> PublishAsync(PublishOrder order, IDesiredMasters desired, bool fresh, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(desired);
        if (target.AddressOf(order.Addresses) is not { } ours) throw new ArgumentException("the target can't publish it", nameof(order));
        if (fresh) _remembered = null;
        var publication = new Publication(order, desired, ours);
        var last = await _retries.RunAsync(ct => TryAsync(publication, ct), cancellation, _failing, () => publication.Looked)
            .ConfigureAwait(false);
        if (last.Outcome is not null) _failing.Succeeded();
        return last.Outcome;
    }

    /// <inheritdoc/>
    public void Dispose() => owned?.Dispose();

    private async Task<Try> TryAsync(Publication publication, CancellationToken cancellation)
    {
        var (order, desired, ours) = (publication.Order, publication.Desired, publication.Address);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            publication.Looked = desired.Changed.Ticket();
            if (!desired.IsWanted(order)) return new Try(null, null);
            // Another desire ends a pause and is tried at once: only what the target asked for is kept to by both.
            if (_failing.AskedLeft is { Ticks: > 0 } left)
            {
                await publication.Looked.WaitAsync(left, time, cancellation).ConfigureAwait(false);
                continue;
            }

            var isRead = _remembered is null;
            if (isRead && await ReadAsync(cancellation).ConfigureAwait(false) is { } unread) return new Try(null, unread);
            var state = _remembered!.Value;
            var there = target.MasterOf(state);
            var token = RevisionPlan.Decide(order.Desired, publication.Proof, ours, there);
            var plan = target.Plan(new MasterPublication(cluster, token ?? order.Desired.Token, order.Addresses), state);
            // What is not ours to write needs no proof.
            if (token is null && plan is not TargetPlan<TChange>.Settled { Outcome: PublishOutcome.Refused })
            {
                if (publication.Raises++ == MostRaises)
                    return new Try(new PublishOutcome.Contested(there, $"another writer was faster {MostRaises} times"), null);
                publication.Proof = await desired.ProveAsync(order.Desired, cancellation).ConfigureAwait(false);
                if (publication.Proof is not null) continue;
                plan = new TargetPlan<TChange>.Settled(NotVerified(there));
            }

            // Only a look of now may end it: another may have written since.
            if (plan is TargetPlan<TChange>.Settled settled)
            {
                if (isRead) return new Try(settled.Outcome, null);
                _remembered = null;
                continue;
            }

            // The target may have been away for minutes: a server that has been demoted meanwhile raises nothing.
            if (publication.Proof is not null && desired.RecentProof(order.Desired) is null) return new Try(null, null);
            var write = (TargetPlan<TChange>.Write)plan;
            var written = await target.WriteAsync(state, write.Change, cancellation).ConfigureAwait(false);
            if (written is TargetResult<(TState State, string ChangeId)>.Done { Value: var done })
            {
                _remembered = new TargetResult<TState>.Done(done.State);
                var now = new PublishedMaster(token ?? order.Desired.Token, ours);
                return new Try(new PublishOutcome.Written(write.Code, write.Reason, now, done.ChangeId), null);
            }

            var failure = ((TargetResult<(TState State, string ChangeId)>.Failed)written).Failure;
            // A throttled call was not carried out: what is remembered still stands, and the next try costs one call, not two.
            if (failure.Kind != TargetFailureKind.Throttled) _remembered = null;
            if (failure.Kind == TargetFailureKind.Conflict) publication.Proof = null;
            // The first conflict of what was remembered was to be expected: it is read at once.
            if (failure.Kind != TargetFailureKind.Conflict || isRead) return new Try(null, failure);
        }
    }

    private static PublishOutcome.NotVerified NotVerified(PublishedMaster? there) => new(
        there,
        $"{there?.Address} is published with token {there?.Token}; the revision is not raised, since the Redis beside this sidecar is not "
        + "proven to be the master now");

    private async Task<TargetFailure?> ReadAsync(CancellationToken cancellation)
    {
        var read = await target.ReadAsync(cancellation).ConfigureAwait(false);
        _remembered = read as TargetResult<TState>.Done;
        return (read as TargetResult<TState>.Failed)?.Failure;
    }

    /// <summary>One try: what it came to, or why it is to be repeated; neither: the order is no longer wanted.</summary>
    private sealed record Try(PublishOutcome? Outcome, TargetFailure? Failure);

    /// <summary>What is remembered between the tries of one order.</summary>
    private sealed class Publication(PublishOrder order, IDesiredMasters desired, string address)
    {
        public PublishOrder Order => order;

        public IDesiredMasters Desired => desired;

        public string Address => address;

        public RoleProof? Proof { get; set; }

        public int Raises { get; set; }

        /// <summary>From before the last look at what is desired: a change since ends the pause.</summary>
        public SignalTicket Looked { get; set; } = desired.Changed.Ticket();
    }
}
