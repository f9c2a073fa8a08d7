using Sidecars.Integration.Tests.Bootstrap.Support;
using Sidecars.TestKit.Groups;
using Xunit.Abstractions;

namespace Sidecars.Integration.Tests.Sentinels;

/// <summary>A group whose Sentinels draw their ids, as they do where nobody gives them slots.</summary>
[Collection(GroupTests.Name)]
public sealed class GhostRepairTests(ITestOutputHelper output)
{
    [Fact]
    public async Task The_ghost_of_a_replaced_Sentinel_goes_away_and_failover_works_with_one_of_three_lost()
    {
        await using var group = new LocalGroup(
            new LocalGroupOptions { Name = "ghosts", DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) });
        var master = (await group.StartHealthyAsync()).Master!.Node;
        await group.ReplaceSentinelAsync(group.Sentinels[2]);
        await group.WaitForAsync("the ghost", s => s.Sentinels.All(x => x.Others == 2) && s.Sentinels.Count(x => x.KnownOthers == 3) == 2);

        // 3 s instead of 30: a Sentinel that was reset is known to have recovered by what it says, not by the time.
        await using var sidecars = GroupSidecars.Start(group, repairAfter: TimeSpan.FromSeconds(3));
        var repaired = await group.WaitForAsync("no ghost", s => s.Problem is null && s.Sentinels.All(x => x.KnownOthers == 2));
        Assert.Equal(master, repaired.Master!.Node);
        Assert.Equal(2, sidecars.Resets.Count);
        Assert.All(sidecars.Resets, reset => Assert.StartsWith($"{master}: ", reset, StringComparison.Ordinal));
        foreach (var reset in sidecars.Resets) output.WriteLine(reset);
        output.WriteLine(
            $"refused meanwhile: {string.Join(", ", sidecars.Refusals.GroupBy(code => code).Select(g => $"{g.Key} {g.Count()}"))}");

        await group.Sentinels[0].KillAsync();
        await master.KillAsync();
        await group.WaitForAsync("a failover with two of three", s => s.Master is { } m && m.Node != master && s.LinkedReplicas == 1);
        Assert.Equal(2, sidecars.Resets.Count);
    }

    // Sentinel keeps the id that an address had, where the new one was known elsewhere, and pings the address: it looks alive for ever.
    [Fact]
    public async Task An_id_that_another_has_replaced_at_its_address_goes_away_though_it_answers_pings()
    {
        await using var group = new LocalGroup(
            new LocalGroupOptions { Name = "replaced", DownAfter = TimeSpan.FromSeconds(2), FailoverTimeout = TimeSpan.FromSeconds(5) });
        foreach (var sentinel in group.Sentinels) sentinel.Environment["SENTINEL_SLOT"] = $"{sentinel.Index}";
        await group.StartHealthyAsync();
        var (old, place) = (group.Sentinels[2], group.Sentinels[2].Place);
        await old.KillAsync();
        var moved = group.NewSentinel(old);
        moved.Environment["SENTINEL_SLOT"] = "3";
        await moved.StartAsync();
        await group.WaitForAsync("the new one to be met elsewhere", s => s.Sentinels.Take(2).All(x => x.KnownOthers == 3));
        await moved.KillAsync();
        moved.WipeConfig();
        moved.MoveTo(place);
        await moved.StartAsync();
        // Both ids are alive to the two that stayed; it has not met itself.
        await group.WaitForAsync(
            "a ghost that answers", s => s.Sentinels.Take(2).All(x => x.Others == 3) && s.Sentinels[2].KnownOthers == 2);

        await using var sidecars = GroupSidecars.Start(group, repairAfter: TimeSpan.FromSeconds(3));
        await group.WaitForAsync("no ghost", s => s.Problem is null && s.Sentinels.All(x => x.KnownOthers == 2));
        Assert.Equal(2, sidecars.Resets.Count);
        foreach (var reset in sidecars.Resets) output.WriteLine(reset);
    }
}
