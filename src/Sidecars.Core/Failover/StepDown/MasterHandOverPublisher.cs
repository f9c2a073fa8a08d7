using Sidecars.Core.Failover.Publishing;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Failover.StepDown;

/// <summary>A hand-over's early word through any place where masters are published: one look, one write.</summary>
/// <param name="publisher">The place; used by nobody else at the same time.</param>
/// <param name="own">What this node is published as; its token is not used.</param>
public sealed class MasterHandOverPublisher(IMasterPublisher publisher, Func<MasterPublication> own) : IHandOverPublisher
{
    /// <inheritdoc/>
    public string Description => publisher.Description;

    /// <inheritdoc/>
    public async Task<string?> PublishAsync(HandOverClaim claim, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(claim);
        var mine = own();
        if (!publisher.CanPublish(mine)) return "this node's address is not known";
        try
        {
            var there = await publisher.LookAsync(cancellation).ConfigureAwait(false);
            var isMine = there is not null && (there.Address == mine.Outside || there.Address == mine.Inside?.Host);
            if (claim.Token(there?.Token ?? FencingToken.None, isMine ? claim.To : null) is not { } token) return null;
            // Refused, contested or superseded: another one knows better, and Sentinel's switch settles it.
            var outcome = await publisher.PublishAsync(() => mine with { Token = token }, fresh: false, cancellation).ConfigureAwait(false);
            return outcome is PublishOutcome.Written or PublishOutcome.UpToDate ? null : outcome?.Reason ?? "given up";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }
}
