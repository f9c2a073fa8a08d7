using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Watch;

namespace Sidecars.Failover.HandOver;

/// <summary>A hand-over's early word through any place where masters are published: one look, one write.</summary>
/// <param name="publisher">The place; used by nobody else at the same time.</param>
/// <param name="own">What this node is published as; its token is not used.</param>
/// <param name="server">The Redis beside this process: looked at before the write, and asked before each further try whether it is still the claim's master.</param>
/// <param name="time">The clock of <see cref="Life"/>.</param>
public sealed class MasterHandOverPublisher(IMasterPublisher publisher, Func<MasterPublication> own, OwnServerWatch server, TimeProvider time) : IHandOverPublisher
{
    /// <summary>
    /// 5 s. Sentinel's switch follows within a second and is published by itself. A claim that a place could not take for so long proves
    /// nothing any more: the hand-over may have been taken back.
    /// </summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public string Description => publisher.Description;

    /// <inheritdoc/>
    public async Task<string?> PublishAsync(HandOverClaim claim, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(claim);
        var mine = own();
        if (!publisher.CanPublish(mine)) return "this node's address is not known";
        using var life = new CancellationTokenSource(Life, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, life.Token);
        try
        {
            // What the watch saw last may be from before the promotion.
            var look = server.LookAsync(either.Token);
            var there = await publisher.LookAsync(either.Token).ConfigureAwait(false);
            _ = await look.ConfigureAwait(false);
            var isMine = there is not null && (there.Address == mine.Outside || there.Address == mine.Inside?.Host);
            if (claim.Token(there?.Token ?? FencingToken.None, isMine ? claim.To : null) is not { } token) return null;
            // Refused, contested or superseded: another one knows better, and Sentinel's switch settles it.
            var outcome = await publisher.PublishAsync(() => IsMaster(claim) ? mine with { Token = token } : null, fresh: false, either.Token).ConfigureAwait(false);
            return outcome is PublishOutcome.Written or PublishOutcome.UpToDate ? null : outcome?.Reason ?? "this server is no longer the master of the hand-over";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"not written within {Life.TotalSeconds:0} s; Sentinel's switch is published by itself";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private bool IsMaster(HandOverClaim claim) => server.Last is OwnServer.Answers { IsMaster: true } master && master.RunId == claim.RunId;
}
