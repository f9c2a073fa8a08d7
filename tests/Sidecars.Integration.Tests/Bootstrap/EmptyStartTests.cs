using System.Globalization;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.FakeElector;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>
/// A durable group starts while one volume is filled and the others are empty, the filled one at its own moment: nobody empty becomes
/// master. Two starts of each variant; twenty with <c>SIDECARS_SOAK=1</c>.
/// </summary>
[Collection(GroupTests.Name)]
public sealed class EmptyStartTests(ITestOutputHelper output, FilledVolume volume) : IClassFixture<FilledVolume>
{
    // How long after the two empty ones the filled one comes.
    private static readonly int[] Delays = [0, 100, 300, 1000, 2000];

    /// <summary>One a start; each delay in turn, from the one that most often failed.</summary>
    public static TheoryData<int, int> Starts
    {
        get
        {
            var data = new TheoryData<int, int>();
            var starts = RunCount.Soak ? 20 : 2;
            for (var start = 1; start <= starts; start++) data.Add(start, Delays[start % Delays.Length]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task A_filled_volume_beside_two_empty_ones_wins_whenever_it_comes(int start, int delayMs)
    {
        await using var group = Group($"filled-{start}");
        volume.CopyTo(group.Redis[0], withMarker: false);
        await StartWithDelayAsync(group, filled: 0, delayMs);
        await AssertFilledWonAsync(group, filled: 0, $"start {start}, {delayMs} ms");
    }

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task A_marker_of_a_lost_record_beside_two_wiped_volumes_wins_whenever_it_comes(int start, int delayMs)
    {
        await using var group = Group($"lost-record-{start}");
        volume.CopyTo(group.Redis[2], withMarker: true);
        await StartWithDelayAsync(group, filled: 2, delayMs);
        await AssertFilledWonAsync(group, filled: 2, $"start {start}, {delayMs} ms");
    }

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task An_empty_node_that_the_elector_names_refuses_beside_a_filled_one(int start, int delayMs)
    {
        await using var elector = FakeElectorServer.Start(FakeElectorServer.Leader("redis-1"));
        await using var group = Group($"elector-{start}", ("ELECTION", "elector"), ("ELECTOR_URL", elector.Url.ToString()));
        volume.CopyTo(group.Redis[0], withMarker: false);
        await StartWithDelayAsync(group, filled: 0, delayMs);
        var refused = await group.Redis[1].Process!.WaitForDecisionAsync("backend-knows-no-data");
        Assert.Contains("redis-0 has data", refused.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(group.Redis, n => n.Process!.Decisions().Any(d => d.Kind == "StartAsMaster"));
        elector.Answer = FakeElectorServer.Leader("redis-0");
        await AssertFilledWonAsync(group, filled: 0, $"start {start}, {delayMs} ms");
    }

    [Fact]
    public async Task A_group_whose_third_pod_is_pending_waits_and_says_for_whom()
    {
        await using var group = Group("pending");
        await group.StartAsync(group.Redis[..2]);
        foreach (var node in group.Redis[..2])
            Assert.Equal("redis-2", (await node.Process!
                .WaitForDecisionAsync(d => d is { Code: "election-wait", WaitingFor: "redis-2" }, "that waits for the third")).WaitingFor);
        await group.Redis[2].StartAsync();
        await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2);
    }

    [Fact]
    public async Task A_word_given_to_two_of_three_is_heard_at_once_and_the_third_with_its_data_needs_another()
    {
        await using var group = Group("said-empty");
        await group.StartAsync(group.Redis[..2]);
        await group.Redis[0].Process!.WaitForDecisionAsync("election-wait");
        Assert.Equal(ExitCode.Ok, await group.SayAsync("allow-empty"));
        await group.WaitForAsync("an empty master and its replica", s => s.LinkedReplicas == 1);
        var master = (await group.ObserveAsync()).Master!.Node;
        Assert.Equal(ExitCode.Failed, await group.SayAsync("allow-empty")); // a master lives

        // The record was lost: the word's term is no higher than the marker's, and covers nothing of it.
        volume.CopyTo(group.Redis[2], withMarker: true);
        await group.Redis[2].StartAsync();
        var refused = await group.Redis[2].Process!.WaitForDecisionAsync("master-foreign");
        Assert.Equal("Refuse", refused.Kind);
        Assert.Contains("redis-bootstrap trust", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, await group.SayAsync("trust", "redis-2")); // another is master
        Assert.Equal(ExitCode.Ok, await group.SayAsync("trust", master.Name));
        await group.WaitForAsync("all replicas linked", s => s.LinkedReplicas == 2);
        var kept = Assert.Single(new RescueStore(group.Redis[2].DataFolder, new RescueLimits(3, long.MaxValue)).List());
        Assert.True(kept.Bytes > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Allow_empty_is_heard_where_nodes_in_sync_are_recorded(bool restores)
    {
        await using var group = Group("recorded", ("RESTORE_ON_EMPTY", restores ? "true" : "false"), ("RESTORE_COMMAND", "/bin/false"));
        await group.LiveAndLoseAsync();
        await group.StartAsync(group.Redis[..2]);
        await group.Redis[0].Process!.WaitForDecisionAsync("election-wait");
        Assert.Equal(ExitCode.Ok, await group.SayAsync("allow-empty"));
        await group.WaitForAsync("an empty master and its replica", s => s.LinkedReplicas == 1);
        await group.Redis[2].StartAsync(); // a fresh volume beside a living master
        await group.WaitForAsync("all replicas linked", s => s.LinkedReplicas == 2);
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("adopt")]
    public async Task A_volume_that_was_filled_on_purpose_starts_alone_and_beside_an_older_history(string by)
    {
        await using var group = Group("filled-on-purpose");
        await group.StartAsync(group.Redis);
        await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2);
        await using (var sidecars = GroupSidecars.Start(group))
            await Eventually.UntilAsync(
                "those in sync to be on record", async () => (await sidecars.RecordAsync()).InSync is { Length: 2 });
        await Task.WhenAll(group.Redis.Select(n => n.KillAsync()));
        foreach (var node in group.Redis) node.WipeData();
        volume.CopyTo(group.Redis[1], withMarker: false);
        var mark = FilledMark.PathIn(group.Redis[1].DataFolder);
        Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
        await File.WriteAllTextAsync(mark, by + "\n");
        await group.Redis[1].StartAsync();
        await group.WaitForAsync("the filled one to be master", s => s.Master?.Node == group.Redis[1]);
        await group.StartAsync([group.Redis[0], group.Redis[2]]);
        await AssertFilledWonAsync(group, filled: 1, by);
    }

    [Fact]
    public async Task Three_grow_to_five_at_a_full_restart()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "three-to-five", RedisCount = 5 });
        foreach (var node in group.Redis[..3]) node.Environment["REDIS_COUNT"] = "3";
        await group.StartAsync(group.Redis[..3]);
        await group.WaitForAsync("a master and two replicas", s => s.LinkedReplicas == 2);
        await group.WriteKeysAsync((await group.ObserveAsync()).Master!.Node, replicas: 2);
        await using var sidecars = GroupSidecars.Start(group);
        await Eventually.UntilAsync("those in sync to be on record", async () => (await sidecars.RecordAsync()).InSync is { Length: 2 });
        await Task.WhenAll(group.Redis[..3].Select(n => n.KillAsync()));
        foreach (var node in group.Redis[..3]) node.Environment["REDIS_COUNT"] = "5";
        await group.StartAsync(group.Redis.Reverse());
        await group.WaitForAsync("a master and four replicas", s => s.LinkedReplicas == 4);
        await group.AssertAllKeysEverywhereAsync();
    }

    private static LocalGroup Group(string name, params (string Name, string Value)[] environment) =>
        new(new LocalGroupOptions
        { Name = name, ClusterId = FilledVolume.ClusterId, Environment = environment.ToDictionary(e => e.Name, e => e.Value) });

    private static async Task StartWithDelayAsync(LocalGroup group, int filled, int delayMs)
    {
        await group.StartAsync(group.Redis.Where((_, i) => i != filled));
        // The variant itself: by so much the volume comes later.
        await Task.Delay(TimeSpan.FromMilliseconds(delayMs), TimeProvider.System);
        await group.Redis[filled].StartAsync();
    }

    private async Task AssertFilledWonAsync(LocalGroup group, int filled, string what)
    {
        var state = await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2);
        foreach (var node in group.Redis)
        {
            await using var client = await group.ConnectAsync(node, TimeSpan.FromSeconds(10));
            var keys = (await client.CallAsync(default, "DBSIZE")).Integer;
            Assert.True(keys == FilledVolume.Keys, string.Create(
                CultureInfo.InvariantCulture, $"{what}: {node} has {keys} keys, master is {state.Master!.Node}\n{group.Tails()}"));
        }

        Assert.Equal(group.Redis[filled], state.Master!.Node);
        Assert.All(
            group.Redis.Where((_, i) => i != filled), n => Assert.DoesNotContain(n.Process!.Decisions(), d => d.Kind == "StartAsMaster"));
        output.WriteLine($"{what}: {string.Join("; ", group.Redis.Select(n => $"{n}: {string.Join(" > ", n.Process!.Codes())}"))}");
    }
}

/// <summary>A volume of 500 keys as a served group leaves it: base, increment, manifest, and the marker of its first term.</summary>
public sealed class FilledVolume : IAsyncLifetime
{
    public const string ClusterId = "demo/redis";

    public const int Keys = 500;

    private readonly TempFolder _folder = new("filled-volume");

    public async Task InitializeAsync()
    {
        await using var group = new LocalGroup(new LocalGroupOptions { Name = "filled-volume-of", ClusterId = ClusterId });
        await group.StartAsync(group.Redis);
        var master = (await group.WaitForAsync("one master and its replicas", s => s.LinkedReplicas == 2)).Master!.Node;
        await using var sidecars = GroupSidecars.Start(group);
        await using var client = await group.ConnectAsync(master, TimeSpan.FromSeconds(10));
        for (var i = 0; i < Keys; i++)
            Assert.Equal("OK", (await client.CallAsync(default, "SET", string.Create(CultureInfo.InvariantCulture, $"key:{i}"), "v")).Text);
        var offset = long.Parse((await client.CallAsync(default, "ROLE")).Items[1].Text, CultureInfo.InvariantCulture);
        await Eventually.UntilAsync("the marker to know them",
            () => new MarkerStore(master.DataFolder).Read() is { IsKnown: true, Value: { Token.Term: 1, Position: { } position } }
                && position.Offset >= offset);
        await master.KillAsync();
        Copy(master.DataFolder, _folder.Folder("volume"));
    }

    /// <summary>Puts a copy in the place of a node's volume, which is empty.</summary>
    public void CopyTo(LocalNode node, bool withMarker)
    {
        Copy(_folder.Folder("volume"), node.DataFolder);
        if (!withMarker) Directory.Delete(Path.Combine(node.DataFolder, MarkerStore.DirectoryName), recursive: true);
    }

    public Task DisposeAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    private static void Copy(string from, string to) => Assert.Null(Command.Run("cp", "-a", from + "/.", to));
}
