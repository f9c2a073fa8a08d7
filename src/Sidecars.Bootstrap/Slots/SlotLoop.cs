using Sidecars.Bootstrap.Rounds;

namespace Sidecars.Bootstrap.Slots;

/// <summary>A slot, and whether it was had at once: if not, what was seen of the group before is old.</summary>
internal sealed record SlotGrant(int Slot, bool AtOnce);

/// <summary>Tries until this pod has a Sentinel slot. Rules: <see cref="SlotPolicy"/>.</summary>
/// <param name="slots">One try.</param>
/// <param name="me">This pod.</param>
/// <param name="memory">What this pod remembers.</param>
/// <param name="reporter">Logs changes, keeps the heartbeat.</param>
/// <param name="pacer">Waits between tries; slower than between looks at the group, since the API server is everybody's.</param>
/// <param name="time">The clock of the pause that the server asked for.</param>
internal sealed class SlotLoop(
    SlotClient slots, SlotClaimant me, SlotMemory memory, DecisionReporter reporter, RoundPacer pacer, TimeProvider time)
{
    public async Task<SlotGrant> RunAsync(CancellationToken cancellation)
    {
        for (var atOnce = true; ; atOnce = false)
        {
            switch (await slots.TryAsync(me, memory.Read(me.PodUid), cancellation).ConfigureAwait(false))
            {
                case SlotOutcome.Held held:
                    memory.Write(me.PodUid, held.Slot);
                    reporter.Slot(held.Slot, held.Code, held.Reason);
                    return new SlotGrant(held.Slot, atOnce);
                case SlotOutcome.Waiting waiting:
                    var changed = reporter.Waiting(waiting.Code, waiting.Reason, "a Sentinel slot");
                    if (waiting.AtLeast is { } least) await Task.Delay(least, time, cancellation).ConfigureAwait(false);
                    await pacer.WaitAsync(changed, cancellation).ConfigureAwait(false);
                    break;
            }
        }
    }
}
