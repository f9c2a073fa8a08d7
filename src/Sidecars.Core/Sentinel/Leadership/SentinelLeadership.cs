using System.Security.Cryptography;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Sentinel.Leadership;

/// <summary>
/// Tells the Sentinels who is master, by their own vote: gather, prove, vote, look again; then announce and confirm. In two halves, so that
/// a caller can promote between them. Rules: <see cref="LeadershipPolicy"/>. Changes nothing but what it is asked for, and retries nothing:
/// the caller looks again and decides.
/// </summary>
/// <param name="observe">One look at one Sentinel: <see cref="SentinelClient.ObserveAsync"/>.</param>
/// <param name="client">Votes and hellos.</param>
/// <param name="time">The clock of the deadlines.</param>
public sealed class SentinelLeadership(
    Func<RedisEndpoint, CancellationToken, Task<SentinelObservation>> observe, LeadershipClient client, TimeProvider time)
{
    // Each of the steps before an announcement may wait for one Sentinel that is silent; together they may not.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>Wins an epoch and announces in it.</summary>
    /// <param name="request">What is to be told.</param>
    /// <param name="sentinels">The addresses of the Sentinels.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<LeadershipOutcome> TellAsync(
        LeadershipRequest request, IReadOnlyCollection<RedisEndpoint> sentinels, CancellationToken cancellation)
    {
        var outcome = await WinAsync(request, sentinels, cancellation).ConfigureAwait(false);
        if (outcome is not LeadershipOutcome.Won won) return outcome;
        return await AnnounceAsync(request, won, cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs everything before the announcement; it changes no Sentinel's master.</summary>
    public async Task<LeadershipOutcome> WinAsync(
        LeadershipRequest request, IReadOnlyCollection<RedisEndpoint> sentinels, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var over = new CancellationTokenSource(Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
        try
        {
            var outcome = await WinInTimeAsync(request, sentinels, either.Token).ConfigureAwait(false);
            return outcome with { HighestEpoch = Math.Max(outcome.HighestEpoch, request.LearntEpoch) };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            var late = new LeadershipOutcome.Refused("timed-out", $"no epoch was won within {DurationText.Of(Deadline)}");
            return late with { HighestEpoch = request.LearntEpoch };
        }
    }

    /// <summary>
    /// Tells every Sentinel that can be told, and ends as soon as a majority confirms it: clients wait for that, and not for a Sentinel
    /// that hangs. Those that have not answered are told nonetheless.
    /// </summary>
    public async Task<LeadershipOutcome> AnnounceAsync(LeadershipRequest request, LeadershipOutcome.Won won, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(won);
        if (time.GetElapsedTime(won.At) is var age && age > LeadershipPolicy.WonEpochIsGoodFor)
        {
            var late = new LeadershipOutcome.Refused("epoch-too-old", $"epoch {won.Epoch} was voted for {DurationText.About(age)} ago");
            return late with { HighestEpoch = won.Epoch };
        }

        var answers = new List<AnnounceAnswer>();
        await foreach (var answer in Task.WhenEach(
            won.Announcements.Select(a => client.AnnounceAsync(a.Endpoint, a.Hello, cancellation))).ConfigureAwait(false))
        {
            answers.Add(await answer.ConfigureAwait(false));
            if (LeadershipPolicy.Confirm(request, won, answers) is LeadershipOutcome.Confirmed confirmed) return confirmed;
        }

        return LeadershipPolicy.Confirm(request, won, answers);
    }

    private async Task<LeadershipOutcome> WinInTimeAsync(
        LeadershipRequest request, IReadOnlyCollection<RedisEndpoint> sentinels, CancellationToken cancellation)
    {
        var (candidate, name) = (FreshId(), client.MasterName);
        var before = await LookAsync(sentinels, cancellation).ConfigureAwait(false);
        if (LeadershipPolicy.Prepare(request, before, candidate, name, out var refusal) is not { } electorate) return refusal!;
        var hellos = await AskAllAsync(electorate, ProveAsync).ConfigureAwait(false);
        if (LeadershipPolicy.Proven(electorate, hellos, out refusal) is not { } proven) return refusal!;

        var epoch = proven.Epoch;
        for (var vote = 1; ; vote++)
        {
            var at = time.GetTimestamp();
            var answers = await AskAllAsync(proven, e => client.VoteAsync(e, epoch, candidate, cancellation)).ConfigureAwait(false);
            switch (LeadershipPolicy.Count(proven, epoch, candidate, answers))
            {
                case VoteCount.Won { Voters: var voters }:
                    // Not at those that did not answer before: their silence would outlast the epoch.
                    var alive = before.OfType<SentinelObservation.Known>().Select(k => k.Endpoint).ToList();
                    var after = await LookAsync(alive, cancellation).ConfigureAwait(false);
                    var outcome = LeadershipPolicy.LookAgain(request, proven, epoch, voters, after, name);
                    return outcome is LeadershipOutcome.Won won ? won with { At = at } : outcome;
                case VoteCount.AskAgain again when vote < LeadershipPolicy.MaxVotes:
                    epoch = again.Epoch;
                    break;
                case VoteCount.AskAgain again:
                    var refused = new LeadershipOutcome.Refused(
                        "votes-refused", $"the Sentinels are beyond epoch {epoch}, the last of {vote}");
                    return refused with { HighestEpoch = again.Epoch };
                case VoteCount.Ended ended:
                    return ended.Outcome;
            }
        }

        Task<HelloAnswer> ProveAsync(Elector e) =>
            client.PublishAsync(e.Endpoint, new HelloMessage(e.Sender, e.Epoch, name, e.Named, e.Epoch), cancellation);
    }

    // The shape of a run id, and nobody's.
    private static string FreshId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    private static async Task<Dictionary<string, T>> AskAllAsync<T>(Electorate electorate, Func<Elector, Task<T>> ask)
    {
        var answers = await Task.WhenAll(electorate.Electors.Select(ask)).ConfigureAwait(false);
        return electorate.Electors.Zip(answers).ToDictionary(a => a.First.MyId, a => a.Second, StringComparer.Ordinal);
    }

    private async Task<SentinelObservation[]> LookAsync(IReadOnlyCollection<RedisEndpoint> sentinels, CancellationToken cancellation) =>
        await Task.WhenAll(sentinels.Select(s => observe(s, cancellation))).ConfigureAwait(false);
}
