namespace Sidecars.Failover.HandOver;

/// <summary>
/// Marks the server beside this process as terminating: sets its <c>replica-priority</c> to 0. Whoever promotes a server reads the priority
/// right after the promotion, and the preStop hook reads the role after setting this: at least one of the two notices the other.
/// </summary>
internal static class TerminatingMark
{
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(100);

    /// <summary>Sets the mark; retries for up to 5 s while the server does not answer.</summary>
    /// <param name="group">Its own Redis is marked.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>What came of it, and in words. Refused: the sidecars' user may not CONFIG SET.</returns>
    public static async Task<(StepOutcome Outcome, string Message)> SetAsync(
        HandOverGroup group, TimeProvider time, CancellationToken cancellation)
    {
        var (started, words) = (time.GetTimestamp(), "");
        do
        {
            var (connection, why) = await group.Nodes.OpenAnyAsync(group.Own, cancellation).ConfigureAwait(false);
            words = why;
            if (connection is not null)
            {
                await using (connection.ConfigureAwait(false))
                {
                    var set = HandOverClient.Set(HandOverClient.Priority, 0);
                    switch (await connection.SendAsync([set], cancellation).ConfigureAwait(false))
                    {
                        case StepOutcome.Done:
                            return (StepOutcome.Done, $"{group.Own} ends after this: replica-priority 0, so that no sidecar promotes it");
                        case StepOutcome.Refused:
                            return (StepOutcome.Refused, $"{group.Own} ends after this and refuses replica-priority 0: it may be promoted");
                        default:
                            words = $"{group.Own} did not answer CONFIG SET";
                            break;
                    }
                }
            }

            await Task.Delay(Again, time, cancellation).ConfigureAwait(false);
        }
        while (time.GetElapsedTime(started) < HandOverLimits.LongestQuestion);

        return (StepOutcome.Unknown, $"{group.Own} ends after this, and could not be given replica-priority 0: {words}");
    }
}
