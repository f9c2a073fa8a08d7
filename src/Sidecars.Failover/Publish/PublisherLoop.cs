using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Retries;

namespace Sidecars.Failover.Publish;

/// <summary>
/// Carries out the desired master at one target, apart from the others. The master's own sidecar writes at once; the others look, which
/// also refreshes what is remembered for the day when it is their turn, and write only what is still wrong.
/// </summary>
/// <param name="target">The target.</param>
/// <param name="loop">What is desired.</param>
/// <param name="another">What another node's master may be published as now; null: not here.</param>
/// <param name="settings">Rhythm.</param>
/// <param name="metrics">Counters.</param>
/// <param name="sink">What was done.</param>
/// <param name="time">Its clock.</param>
/// <param name="random">A number in [0, 1) for the jitter.</param>
public sealed class PublisherLoop(
    ITargetWriter target, PublishLoop loop, Func<DesiredMaster.Another, CancellationToken, Task<PublishOrder?>> another,
    PublisherSettings settings,
    PublishMetrics metrics, IDecisionSink sink, TimeProvider time, Func<double> random)
{
    // What is in the way is over with the next look.
    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(1);

    // What took longer to be written was throttled: nothing is asked that can be done without.
    private static readonly TimeSpan Unhindered = TimeSpan.FromSeconds(2);

    // What was refused for lack of proof: a Sentinel tells the run id with its next INFO, a pod answers within seconds.
    private static readonly TimeSpan Unproven = TimeSpan.FromSeconds(5);

    // A refusal is a person's to mend (a record of another owner, a weighted one): seen within this, it is over without a restart. One read
    // each.
    private static readonly TimeSpan Mended = TimeSpan.FromSeconds(30);

    // Between looks that fail.
    private readonly RetryPause _failing = new(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)), time, random);

    private readonly string _name = "publish-" + target.Name;
    private DesiredMaster? _settled;
    private Propagation? _spreading;
    private string? _refused;

    /// <summary>What was last seen to stand there, and when (timestamp); null: never looked.</summary>
    public (PublishedMaster? Master, long At)? Seen { get; private set; }

    /// <summary>Publishes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await PrimeAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            var next = loop.Changed.Ticket();
            if (settings.Backstop > TimeSpan.Zero && IsForAnother)
            {
                if (await next.WaitAsync(Backstop, time, cancellation).ConfigureAwait(false)) continue;
            }

            var pause = settings.CheckPeriod;
            try
            {
                pause = await RoundAsync(cancellation).ConfigureAwait(false);
                _failing.Succeeded();
            }
            catch (IOException) when (IsForAnother)
            {
                // Throttled, as a rule: whoever is first in line is not helped by a second one that asks again at once.
                metrics.Failed(target.Name);
                pause = _failing.Failed();
            }

            await RestAsync(next, pause, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Looks and writes once; how long until it is due again, where nothing changes.</summary>
    public async Task<TimeSpan> RoundAsync(CancellationToken cancellation)
    {
        if (loop.Desired is not { } desired) return settings.CheckPeriod;
        var isCheck = ReferenceEquals(desired, _settled);
        if (isCheck && desired is not DesiredMaster.Own) return settings.CheckPeriod;
        var isThere = (settings.DryRun || desired is DesiredMaster.Another)
            && await IsThereAsync(desired, cancellation).ConfigureAwait(false);
        if (isThere) return Settle(desired);
        if (await OrderAsync(desired, cancellation).ConfigureAwait(false) is not { } order) return Unproven;
        if (target.AddressOf(order.Addresses) is null) return NotKnown(desired);
        if (settings.DryRun)
        {
            if (!isCheck) sink.Acted(_name, "would-publish", $"{desired.Token} at {target.Description}", null);
            return Settle(desired);
        }

        var (sent, began) = (time.GetElapsedTime(desired.Since), time.GetTimestamp());
        if (!isCheck && desired is DesiredMaster.Own) metrics.Sent(target.Name, sent);
        // A write over what is long gone costs a refused call, a read and a second write: then it is read first.
        var isFresh = isCheck || !loop.MayStand(target.Remembered);
        switch (await target.PublishAsync(order, loop, isFresh, cancellation).ConfigureAwait(false))
        {
            // Another master is about to be desired, or a look says otherwise that was overtaken by a newer one.
            case null:
                return LeastPause;
            case PublishOutcome.NotVerified unproven:
                See(unproven.There);
                sink.Decided(_name, unproven.Code, $"{target.Description}: {unproven.Reason}", isRefusal: true, () => "null");
                return Unproven;
            case var outcome:
                Tell(desired, outcome, isCheck, sent, time.GetElapsedTime(began));
                var check = Settle(desired);
                return outcome is PublishOutcome.Refused && check > Mended ? Mended : check;
        }
    }

    private bool IsForAnother => loop.Desired is DesiredMaster.Another desired && !ReferenceEquals(desired, _settled);

    private TimeSpan Backstop => settings.Backstop * (1 + random());

    private async Task<PublishOrder?> OrderAsync(DesiredMaster desired, CancellationToken cancellation) => desired switch
    {
        DesiredMaster.Own own => new PublishOrder(own, own.Addresses, own.Role),
        _ => await another((DesiredMaster.Another)desired, cancellation).ConfigureAwait(false),
    };

    // Until there is news or the next look is due; meanwhile asks now and then whether the last change is everywhere.
    private async Task RestAsync(SignalTicket next, TimeSpan pause, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (_spreading is { } change && !next.IsRaised && change.DueIn < pause - time.GetElapsedTime(began))
        {
            if (await next.WaitAsync(change.DueIn, time, cancellation).ConfigureAwait(false)) return;
            var (isDone, took) = await change.AskAsync(cancellation).ConfigureAwait(false);
            if (took is { } known) metrics.Propagated(target.Name, known);
            if (isDone) _spreading = null;
        }

        await next.WaitAsync(pause - time.GetElapsedTime(began), time, cancellation).ConfigureAwait(false);
    }

    private void Tell(DesiredMaster desired, PublishOutcome outcome, bool isCheck, TimeSpan sent, TimeSpan took)
    {
        if (outcome is PublishOutcome.Written { ChangeId: { Length: > 0 } change } && took < Unhindered)
            _spreading = new Propagation(ct => target.IsPropagatedAsync(change, ct), time, random);
        var after = time.GetElapsedTime(desired.Since);
        metrics.Settled(target.Name, outcome, desired, after);
        See(outcome.There);
        var refused = (outcome as PublishOutcome.Refused)?.Reason;
        var isToldAlready = refused is not null && refused == _refused;
        _refused = refused;
        if (isCheck && (outcome is PublishOutcome.UpToDate || isToldAlready)) return;
        sink.Acted(
            _name, outcome.Code,
            $"{target.Description}: {outcome.Reason} (sent after {DurationText.About(sent)}, "
            + $"settled after {DurationText.About(after)})",
            refused);
    }

    // An own address does not become known later; another node's sidecar may record it yet.
    private TimeSpan NotKnown(DesiredMaster desired)
    {
        var what = $"{target.Description}: the address of the master to publish with token {desired.Token} is not known here";
        if (desired is DesiredMaster.Another)
        {
            sink.Decided(_name, "address-unknown", $"{what}; its own sidecar publishes it", isRefusal: true, () => "null");
            return Unproven;
        }

        sink.Acted(_name, "address-unknown", what, "PUBLISH_ADDRESS or POD_IP is not set");
        return Settle(desired);
    }

    private void See(PublishedMaster? there)
    {
        Seen = (there, time.GetTimestamp());
        if (there is not null) loop.Shown(there);
    }

    private TimeSpan Settle(DesiredMaster desired)
    {
        _settled = desired;
        return settings.CheckPeriod;
    }

    private async Task<bool> IsThereAsync(DesiredMaster desired, CancellationToken cancellation)
    {
        var there = await target.LookAsync(cancellation).ConfigureAwait(false);
        See(there);
        return there is not null && (there.Token.Term, there.Token.Epoch).CompareTo((desired.Token.Term, desired.Token.Epoch)) >= 0;
    }

    private async Task PrimeAsync(CancellationToken cancellation)
    {
        try
        {
            See(await target.LookAsync(cancellation).ConfigureAwait(false));
        }
        catch (IOException)
        {
            metrics.Failed(target.Name);
        }
    }
}
