using System.Globalization;
using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// A split: without Sentinels and master, somebody promotes both replicas by hand, and both take writes in one term and epoch. The
/// election refuses with <c>lineage-conflict</c>, and <c>redis-bootstrap trust NODE</c> ends it, whichever side it names.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class SplitGroupTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_person_says_whose_writes_count_once_and_the_other_side_becomes_a_rescue(int side)
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "split", ClusterId = FilledVolume.ClusterId });
        var sides = await SplitAsync(group);
        var (trusted, other) = (sides[side], sides[1 - side]);

        // With Sentinels that still name the dead master, it would go on alone where it comes first: the split is settled by them.
        await group.StartAsync(group.Redis);
        foreach (var node in group.Redis)
        {
            var refused = await node.Process!.WaitForDecisionAsync(ElectionPolicy.LineageConflict);
            output.WriteLine($"{node}: {refused.Reason}");
            Assert.Equal("Refuse", refused.Kind);
            Assert.Contains("'redis-bootstrap trust NODE'", refused.Reason, StringComparison.Ordinal);
            Assert.Contains("(TwoMasters)", refused.Reason, StringComparison.Ordinal);
            // Both sides, beside the master before them.
            Assert.Contains("redis-0 and redis-1 and redis-2 served at ", refused.Reason, StringComparison.Ordinal);
        }

        await group.StartAsync(group.Sentinels);
        await group.WaitForAsync("all Sentinels to answer", s => s.Sentinels.Length == 3);
        Assert.DoesNotContain(group.Redis, n => n.Process!.Decisions().Any(d => d.Kind is "StartAsMaster" or "Follow" or "FollowNamed"));
        Assert.Equal(ExitCode.Ok, await group.SayAsync("trust", trusted.Name));
        await group.WaitForAsync("the trusted side to lead", s => s.Master?.Node == trusted && s.LinkedReplicas == 2);
        await AssertOnlyOfAsync(group, trusted, other);
        Assert.Contains(new RescueStore(other.DataFolder, new RescueLimits(3, long.MaxValue)).List(), rescue => rescue.Bytes > 0);
        var (term, wordTerm) = await AssertConsumedAsync(group, trusted);
        Assert.Equal(term, wordTerm);

        // Nobody is trusted any more, and nobody needs to be: the split is of the past.
        await RecordAndKillAsync(group, trusted, group.All);
        await group.StartAsync();
        await group.WaitForAsync("one master and its replicas", s => s.Master is not null && s.LinkedReplicas == 2);
        await AssertOnlyOfAsync(group, trusted, other);
        Assert.Equal(wordTerm, (await AssertConsumedAsync(group, trusted)).Word);
        foreach (var node in group.Redis)
        {
            output.WriteLine($"{node}: {string.Join(" > ", node.Process!.Codes())}");
            Assert.DoesNotContain(node.Process!.Decisions(), d =>
                d.Kind == "Refuse" || d.Reason.Contains("a person trusts", StringComparison.Ordinal));
        }
    }

    // Both sides have a replication id of their own at one place in history, and a key of their own; everything is dead.
    private static async Task<LocalNode[]> SplitAsync(LocalGroup group)
    {
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await RecordAndKillAsync(group, master, [master, .. group.Sentinels]);
        LocalNode[] sides = [.. group.Redis.Where(n => n != master)];
        await using var sidecars = GroupSidecars.Start(group); // they never saw a Sentinel
        foreach (var node in sides)
        {
            await using var client = await group.ConnectAsync(node, Timeout);
            Assert.Equal("OK", (await client.CallAsync(default, "REPLICAOF", "NO", "ONE")).Text);
            Assert.Equal("OK", (await client.CallAsync(default, "CONFIG", "SET", "min-replicas-to-write", "0")).Text);
            Assert.Equal("OK", (await client.CallAsync(default, "SET", KeyOf(node), "v")).Text);
            var offset = long.Parse((await client.CallAsync(default, "ROLE")).Items[1].Text, CultureInfo.InvariantCulture);
            // The first marker after a promotion that no Sentinel shows names nobody as the master of the new id; the next one does.
            await Eventually.UntilAsync("the marker to know its write and its master", () => MarkerOf(node) is
            { Role: MarkerRole.Master, Position: { } at, History.Newest: { } newest }
                && newest.Id == at.Id && newest.Master.Name == node.Name && at.Offset >= offset);
        }

        await Task.WhenAll(sides.Select(n => n.KillAsync()));
        var newest = sides.Select(n => MarkerOf(n)!.History.Newest!).ToList();
        Assert.Equal(newest[0].Position, newest[1].Position);
        Assert.NotEqual(newest[0].Id, newest[1].Id);
        return sides;
    }

    // After a full copy the AOF is begun anew: killed before that is done, the disk is not to be trusted. Its master's term reaches a
    // replica through a majority of Sentinels only.
    private static async Task RecordAndKillAsync(LocalGroup group, LocalNode master, IEnumerable<LocalNode> killed)
    {
        await using (var sidecars = GroupSidecars.Start(group))
        {
            await Eventually.UntilAsync("all to be on record, and every disk to hold its data", async () =>
                await sidecars.RecordAsync() is { InSync.Length: 2, LastServing: { } last } && last.Node == master.Name
                && group.Redis.All(n => MarkerOf(n) is
                { FullSyncInProgress: false, AofRewriteInProgress: false, Position: { } at, History.Newest: { } newest }
                    && at.Id == last.ReplicationId && newest.Id == at.Id && newest.Position.Term == last.Token.Term));
        }

        await Task.WhenAll(killed.Select(n => n.KillAsync()));
    }

    private static async Task AssertOnlyOfAsync(LocalGroup group, LocalNode trusted, LocalNode other)
    {
        await group.AssertAllKeysEverywhereAsync();
        foreach (var node in group.Redis)
        {
            await using var client = await group.ConnectAsync(node, Timeout);
            Assert.Equal(1, (await client.CallAsync(default, "EXISTS", KeyOf(trusted))).Integer);
            Assert.Equal(0, (await client.CallAsync(default, "EXISTS", KeyOf(other))).Integer);
        }
    }

    // The word stands with the term of the master that began by it; returns the record's term, and the word's.
    private static async Task<(long Record, long Word)> AssertConsumedAsync(LocalGroup group, LocalNode trusted)
    {
        var known = Assert.IsType<ElectionObservation.Known>(
            await new FileGroupRecord(Path.Combine(group.Folder, "election")).ReadAsync(default));
        Assert.Null(known.View.Record.Trusted);
        var word = Assert.IsType<PersonsWord>(known.View.Record.Word);
        Assert.Equal((PersonsWordKind.Trust, trusted.Name), (word.Kind, word.Node));
        return (known.View.Record.Term, word.Term);
    }

    private static Marker? MarkerOf(LocalNode node) =>
        new MarkerStore(node.DataFolder).Read() is { IsKnown: true, Value: { } marker } ? marker : null;

    private static string KeyOf(LocalNode node) => "only-on:" + node.Name;
}
