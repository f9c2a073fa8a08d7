using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>A has handed over to B, which publishes itself before the Sentinels name it: on the same queue, by the same writer as ever.</summary>
public sealed class HandOverTests : IAsyncLifetime
{
    private readonly PublishingWorld _world = new();
    private PublishingPlaces _places = null!;

    public static TheoryData<string> Kinds => PublishingPlaces.Kinds;

    private PublishingNode A => _world.A;

    private PublishingNode B => _world.B;

    public async Task InitializeAsync()
    {
        _places = await PublishingPlaces.StartAsync(_world.Time);
        foreach (var kind in new[] { PublishingPlaces.Slice, PublishingPlaces.Endpoint, PublishingPlaces.Zone }) await A.PublishAsync(A.Over(_places.At(kind)));
        (A.IsMaster, B.IsMaster) = (false, true);
    }

    public async Task DisposeAsync()
    {
        await _places.DisposeAsync();
        await _world.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_claim_is_written_over_the_old_master_and_replaced_by_the_switch(string kind)
    {
        var ofB = B.Over(_places.At(kind));
        await B.Loop.RoundAsync(default);
        await B.ClaimAsync(ofB);
        await SaysAsync(kind, B, 1);
        Assert.Contains(("publish-" + kind, "hand-over"), B.Sink.Done);
        _world.Sentinels.Switch(B);
        await B.PublishAsync(ofB);
        Assert.Equal(new PublishedMaster(new FencingToken(1, 4, 0), B.Pod.Host), await _places.ReadAsync(kind));
    }

    [Fact]
    public async Task The_running_loops_of_its_sidecar_take_it_up_whatever_they_are_waiting_for()
    {
        using var stop = new CancellationTokenSource();
        var running = Task.WhenAll(B.Loop.RunAsync(stop.Token), B.Over(_places.At(PublishingPlaces.Slice)).RunAsync(stop.Token));
        await Eventually.UntilAsync("B's look at the Sentinels", () => B.Sink.Decisions.Contains(("publish", "rank")));
        B.Loop.Claim(Claim());
        // No time passes.
        await Eventually.UntilAsync("B to be published", async () => (await _places.ReadAsync(PublishingPlaces.Slice))?.Address == B.Pod.Host);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await SaysAsync(PublishingPlaces.Slice, B, 1);
    }

    [Fact]
    public async Task Rounds_in_which_Sentinels_still_name_the_old_master_leave_it_desired_for_its_life_and_no_longer()
    {
        B.Loop.Claim(Claim());
        var claim = Assert.IsType<DesiredMaster.HandedOver>(B.Loop.Desired);
        for (var seconds = 0; seconds < HandOverClaim.Life.TotalSeconds; seconds++)
        {
            await B.Loop.RoundAsync(default);
            Assert.Same(claim, B.Loop.Desired);
            _world.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.False(B.Loop.IsWanted(new PublishOrder(claim, claim.Addresses, claim.Role)));
        await B.Loop.RoundAsync(default);
        Assert.IsNotType<DesiredMaster.HandedOver>(B.Loop.Desired);
    }

    [Fact]
    public async Task It_ends_with_the_role_or_the_process_and_with_a_later_epoch()
    {
        B.Loop.Claim(Claim());
        B.IsMaster = false;
        await B.Loop.RoundAsync(default);
        Assert.Null(B.Loop.Desired);

        B.IsMaster = true;
        B.Loop.Claim(Claim());
        B.RestartServer(isMaster: true);
        await B.Loop.RoundAsync(default);
        Assert.Null(B.Loop.Desired);

        B.Loop.Claim(Claim());
        _world.Sentinels.Switch(_world.C);
        await B.Loop.RoundAsync(default);
        Assert.Null(B.Loop.Desired);
    }

    [Fact]
    public async Task What_Sentinels_have_decided_since_is_not_claimed_back()
    {
        _world.Sentinels.Switch(B);
        await B.Loop.RoundAsync(default);
        var own = Assert.IsType<DesiredMaster.Own>(B.Loop.Desired);
        B.Loop.Claim(Claim() with { Epoch = 3 });
        Assert.Same(own, B.Loop.Desired);
        // Nor for an address that is not this server's.
        _world.Sentinels.Switch(A);
        B.Loop.Claim(Claim() with { To = A.Announced });
        Assert.Same(own, B.Loop.Desired);
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_target_is_not_sent_once_the_hand_over_is_rolled_back()
    {
        _places.Server.Next(null);
        _places.Server.Next(new Fault.Error(503, "ServiceUnavailable"));
        var round = B.ClaimAsync(B.Over(_places.At(PublishingPlaces.Slice)));
        await Eventually.UntilAsync("the refused write", () => _places.Failures > 0);
        (A.IsMaster, B.IsMaster) = (true, false);
        _ = await B.Watch.LookAsync(default);
        await EndAsync(round, TimeSpan.FromMilliseconds(100));
        Assert.Contains(("publish-" + PublishingPlaces.Slice, "hand-over"), B.Sink.NotDone);
        await SaysAsync(PublishingPlaces.Slice, A, 0);
    }

    [Fact]
    public async Task A_claim_that_its_target_does_not_take_is_given_up_and_holds_up_no_later_one()
    {
        _places.Server.Weather = () => new Fault.Error(503, "ServiceUnavailable");
        var ofB = B.Over(_places.At(PublishingPlaces.Slice));
        await EndAsync(B.ClaimAsync(ofB), TimeSpan.FromSeconds(1));
        Assert.Contains(("publish-" + PublishingPlaces.Slice, "hand-over"), B.Sink.NotDone);
        _places.Server.Weather = null;
        _world.Sentinels.Switch(B);
        await B.PublishAsync(ofB);
        Assert.Equal(new FencingToken(1, 4, 0), (await _places.ReadAsync(PublishingPlaces.Slice))!.Token);
    }

    [Fact]
    public async Task A_claim_is_for_its_process_and_no_other()
    {
        var claim = Claim();
        B.RestartServer(isMaster: true);
        B.Loop.Claim(claim);
        await B.Over(_places.At(PublishingPlaces.Zone)).RoundAsync(default);
        await SaysAsync(PublishingPlaces.Zone, A, 0);
        Assert.Contains(("publish-" + PublishingPlaces.Zone, "hand-over"), B.Sink.NotDone);
    }

    private HandOverClaim Claim() => new(A.Announced, B.Announced, _world.Sentinels.Epoch, B.RunId);

    private Task EndAsync(Task round, TimeSpan step) => Eventually.UntilAsync("the end of the round", () =>
    {
        _world.Time.Advance(step);
        return round.IsCompleted;
    });

    private async Task SaysAsync(string kind, PublishingNode node, long rev) =>
        Assert.Equal(new PublishedMaster(new FencingToken(1, 3, rev), node.Pod.Host), await _places.ReadAsync(kind));
}
