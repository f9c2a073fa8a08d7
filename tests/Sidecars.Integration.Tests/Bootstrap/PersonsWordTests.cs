using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// A group that does not start by itself, and the word that starts it: <c>UNCLEAN_ELECTION_AFTER</c>. The other words:
/// <see cref="EmptyStartTests"/>, <see cref="SplitGroupTests"/>.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class PersonsWordTests
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

    private static LocalGroup Group(string name) => new(new LocalGroupOptions { Name = name, ClusterId = FilledVolume.ClusterId });

    private static async Task<(LocalNode Master, LocalNode Replica)> StartWithRecordAsync(LocalGroup group)
    {
        await group.StartAsync(group.Redis);
        var master = (await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2)).Master!.Node;
        await group.WriteKeysAsync(master, replicas: 2);
        await using var sidecars = GroupSidecars.Start(group);
        await Eventually.UntilAsync(
            "those in sync to be on record, and every disk to hold its data",
            async () => (await sidecars.RecordAsync()).InSync is { Length: 2 } && group.Redis.All(HoldsItsData));
        return (master, group.Redis.Last(n => n != master));
    }

    // After a full copy the AOF is begun anew: killed before that is done, the disk is not to be trusted.
    private static bool HoldsItsData(LocalNode node) => new MarkerStore(node.DataFolder).Read() is
    { IsKnown: true, Value: { FullSyncInProgress: false, AofRewriteInProgress: false, Position: not null } };

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
