using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// Whole groups that don't start by themselves, and the word that starts them: <c>UNCLEAN_ELECTION_AFTER</c> and
/// <c>redis-bootstrap trust</c>. The other words: <see cref="EmptyStartTests"/>.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class PersonsWordTests(FilledVolume volume) : IClassFixture<FilledVolume>
{
    private const string LaterKey = "later";

    [Fact]
    public async Task An_unclean_election_starts_a_stale_replica_alone_and_what_it_lacks_becomes_a_rescue()
    {
        await using var group = Group("unclean");
        var (master, stale) = await StartWithRecordAsync(group);
        await stale.KillAsync();
        await using (var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(10)))
            Assert.Equal("OK", (await client.CallAsync(default, "SET", LaterKey, "v")).Text);
        await Task.WhenAll(group.Redis.Select(n => n.KillAsync()));

        await stale.StartAsync();
        var waits = await stale.Process!.WaitForDecisionAsync("election-wait");
        Assert.Contains(master.Name, waits.WaitingFor, StringComparison.Ordinal);
        await stale.KillAsync();
        stale.Environment["UNCLEAN_ELECTION_AFTER"] = "1s";
        await stale.StartAsync();
        await group.WaitForAsync("the stale one to be master", s => s.Master?.Node == stale);
        Assert.Contains(stale.Process!.Decisions(), d => d.Reason.Contains(
            $"UNCLEAN, by UNCLEAN_ELECTION_AFTER, though {master}", StringComparison.Ordinal));
        Assert.Equal((PersonsWordKind.Unclean, stale.Name), await WordAsync(group));

        // The word is of this term: those that come back need no other.
        await group.StartAsync(group.Redis.Where(n => n != stale));
        await group.WaitForAsync("all replicas linked", s => s.Master?.Node == stale && s.LinkedReplicas == 2);
        await group.AssertAllKeysEverywhereAsync();
        await using (var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(10)))
            Assert.Equal(0, (await client.CallAsync(default, "EXISTS", LaterKey)).Integer);
        Assert.Contains(RescuesOf(master), rescue => rescue.Bytes > 0);
    }

    [Fact]
    public async Task Two_masters_of_one_term_are_refused_by_every_node_until_a_person_trusts_one()
    {
        // The record was lost, redis-0 was away, and the two others began the same term anew.
        await using var group = Group("two-masters");
        await group.StartAsync(group.Redis[1..]);
        await group.Redis[1].Process!.WaitForDecisionAsync("election-wait");
        Assert.Equal(ExitCode.Ok, await group.SayAsync("allow-empty"));
        await group.WaitForAsync("an empty master and its replica", s => s.Master?.Node == group.Redis[1] && s.LinkedReplicas == 1);
        await using (GroupSidecars.Start(group))
        {
            await group.WriteKeysAsync(group.Redis[1], replicas: 1);
            await Eventually.UntilAsync("the markers to know whose stream theirs is", () =>
                new MarkerStore(group.Redis[1].DataFolder).Read() is
                { IsKnown: true, Value: { Token.Term: 1, History.Newest.Id: var id, Position.Id: var mine } }
                && mine == id
                && new MarkerStore(group.Redis[2].DataFolder).Read() is { IsKnown: true, Value.Position.Id: var theirs }
                && theirs == id);
        }

        await Task.WhenAll(group.Redis.Select(n => n.KillAsync()));
        Directory.Delete(ElectionOf(group), recursive: true);
        group.Redis[0].WipeData();
        volume.CopyTo(group.Redis[0], withMarker: true);
        await group.StartAsync(group.Redis);
        foreach (var node in group.Redis)
        {
            var refused = await node.Process!.WaitForDecisionAsync(ElectionPolicy.LineageConflict);
            Assert.Equal("Refuse", refused.Kind);
            Assert.Matches("redis-(0 and redis-1|1 and redis-0) both served at 1\\.0#", refused.Reason);
            Assert.Contains("'redis-bootstrap trust NODE'", refused.Reason, StringComparison.Ordinal);
        }

        Assert.Equal(ExitCode.Ok, await group.SayAsync("trust", "redis-1"));
        await group.WaitForAsync("the trusted one and its replicas", s => s.Master?.Node == group.Redis[1] && s.LinkedReplicas == 2);
        await group.AssertAllKeysEverywhereAsync();
        Assert.Equal((PersonsWordKind.Trust, "redis-1"), await WordAsync(group));
        Assert.DoesNotContain(
            group.Redis.Where(n => n != group.Redis[1]).SelectMany(n => n.Process!.Decisions()), d => d.Kind == "StartAsMaster");
        Assert.Contains(RescuesOf(group.Redis[0]), rescue => rescue.Bytes > 0);
    }

    private static LocalGroup Group(string name) => new(new LocalGroupOptions { Name = name, ClusterId = FilledVolume.ClusterId });

    private static async Task<(LocalNode Master, LocalNode Replica)> StartWithRecordAsync(LocalGroup group)
    {
        await group.StartAsync(group.Redis);
        var master = (await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2)).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await using var sidecars = GroupSidecars.Start(group);
        await Eventually.UntilAsync("those in sync to be on record", async () => (await sidecars.RecordAsync()).InSync is { Length: 2 });
        return (master, group.Redis.Last(n => n != master));
    }

    private static string ElectionOf(LocalGroup group) => Path.Combine(group.Folder, "election");

    private static IReadOnlyList<Rescue> RescuesOf(LocalNode node) =>
        new RescueStore(node.DataFolder, new RescueLimits(3, long.MaxValue)).List();

    // What was said is taken with the term that began by it: nobody is trusted any more.
    private static async Task<(PersonsWordKind Kind, string Node)> WordAsync(LocalGroup group)
    {
        var known = Assert.IsType<ElectionObservation.Known>(await new FileGroupRecord(ElectionOf(group)).ReadAsync(default));
        Assert.Null(known.View.Record.Trusted);
        var word = Assert.IsType<PersonsWord>(known.View.Record.Word);
        return (word.Kind, word.Node);
    }
}
