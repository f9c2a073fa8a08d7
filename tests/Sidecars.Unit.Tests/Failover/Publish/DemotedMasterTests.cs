using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>A revision is raised for a master that is verified now, and for nobody else; at every kind of place.</summary>
public sealed class DemotedMasterTests : IAsyncLifetime
{
    private readonly PublishingWorld _world = new();
    private PublishingPlaces _places = null!;

    public static TheoryData<string> Kinds => PublishingPlaces.Kinds;

    private PublishingNode A => _world.A;

    private PublishingNode B => _world.B;

    public async Task InitializeAsync() => _places = await PublishingPlaces.StartAsync(_world.Time);

    public async Task DisposeAsync()
    {
        await _places.DisposeAsync();
        await _world.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task After_a_hand_over_the_old_masters_check_leaves_the_new_one_published(string kind)
    {
        var ofA = await HandedOverAsync(kind);
        // Nobody has told its loop of the demotion: the check itself must ask.
        Assert.NotNull(A.Loop.Desired);
        await ofA.RoundAsync(default);
        await SaysAsync(kind, B, 1);
        Assert.Contains(("publish-" + kind, "not-verified"), A.Sink.Refused);
        // And once the loop has looked, it wants nothing any more.
        await A.PublishAsync(ofA);
        Assert.Null(A.Loop.Desired);
        await SaysAsync(kind, B, 1);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_old_masters_running_loops_leave_the_new_one_published_check_after_check(string kind)
    {
        using var stop = new CancellationTokenSource();
        var running = Task.WhenAll(A.Loop.RunAsync(stop.Token), A.Over(_places.At(kind)).RunAsync(stop.Token));
        await Eventually.UntilAsync("A to be published", async () => await _places.ReadAsync(kind) is not null);
        A.IsMaster = false;
        await HandOverToBAsync(kind);
        // The watch beside A has told nobody yet when its checks come.
        await Eventually.UntilAsync("A's loop to have seen the demotion", () =>
        {
            _world.Time.Advance(TimeSpan.FromSeconds(61));
            return A.Loop.Desired is null;
        });
        _world.Time.Advance(TimeSpan.FromSeconds(61));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await SaysAsync(kind, B, 1);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_restart_of_the_old_masters_sidecar_leaves_the_new_one_published(string kind)
    {
        _ = await HandedOverAsync(kind);
        A.StartSidecar();
        await A.PublishAsync(A.Over(_places.At(kind)));
        await SaysAsync(kind, B, 1);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_hand_over_that_was_taken_back_is_published_again_with_one_more(string kind)
    {
        var ofA = await HandedOverAsync(kind);
        (A.IsMaster, B.IsMaster) = (true, false);
        await A.PublishAsync(ofA);
        await SaysAsync(kind, A, 2);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_master_whose_address_is_another_raises_the_revision_once(string kind)
    {
        await A.PublishAsync(A.Over(_places.At(kind)));
        await SaysAsync(kind, A, 0);
        A.Pod = new RedisEndpoint("10.244.0.99", PublishingWorld.Port);
        A.StartSidecar();
        var again = A.Over(_places.At(kind));
        await A.PublishAsync(again);
        await SaysAsync(kind, A, 1);
        A.StartSidecar();
        await A.PublishAsync(A.Over(_places.At(kind)));
        await A.PublishAsync(again);
        await SaysAsync(kind, A, 1);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Nobody_raises_it_whose_process_the_Sentinels_do_not_talk_to(string kind)
    {
        await _places.WriteAsync(kind, new FencingToken(1, 3, 4), B.Pod.Host);
        var ofA = A.Over(_places.At(kind));
        _world.Sentinels.ForgetRunId();
        await A.PublishAsync(ofA);
        await SaysAsync(kind, B, 4);
        Assert.Contains(("publish-" + kind, "not-verified"), A.Sink.Refused);
        _world.Sentinels.Name(A);
        await A.PublishAsync(ofA);
        await SaysAsync(kind, A, 5);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_old_pod_behind_whose_address_another_answers_is_not_published_over_it(string kind)
    {
        var ofA = A.Over(_places.At(kind));
        await A.PublishAsync(ofA);
        // The pod that took its place, under the same name and announced address.
        await _places.WriteAsync(kind, new FencingToken(1, 3, 1), "10.244.0.77");
        A.HasImpostor = true;
        await ofA.RoundAsync(default);
        Assert.Equal("10.244.0.77", (await _places.ReadAsync(kind))!.Address);
        await A.PublishAsync(ofA);
        Assert.Null(A.Loop.Desired);
        Assert.Equal("10.244.0.77", (await _places.ReadAsync(kind))!.Address);
    }

    [Fact]
    public async Task What_was_wanted_ends_with_the_process_and_with_its_role_and_not_with_a_silence()
    {
        await A.Loop.RoundAsync(default);
        var wish = Assert.IsType<DesiredMaster.Own>(A.Loop.Desired);
        Assert.Equal((A.RunId, 0), (wish.Role.RunId, wish.Token.Rev));

        A.IsClear = false;
        _ = await A.Watch.LookAsync(default);
        await A.Loop.RoundAsync(default);
        Assert.Same(wish, A.Loop.Desired);
        Assert.Null(await A.Loop.ProveAsync(wish, default));

        A.IsClear = true;
        _world.Sentinels.Answer = false;
        await A.Loop.RoundAsync(default);
        Assert.Same(wish, A.Loop.Desired);
        Assert.Null(await A.Loop.ProveAsync(wish, default));

        // Another process at the same address, which Sentinels have not noticed, is not the one that was wanted.
        _world.Sentinels.Answer = true;
        A.RestartServer(isMaster: true);
        Assert.Null(await A.Loop.ProveAsync(wish, default));
        Assert.Equal("run-id-differs", (await A.Loop.RoundAsync(default)).Code);
        Assert.Null(A.Loop.Desired);
        _world.Sentinels.Name(A);
        await A.Loop.RoundAsync(default);
        Assert.Equal(A.RunId, Assert.IsType<DesiredMaster.Own>(A.Loop.Desired).Role.RunId);

        A.Watch.NoteEnding(A.RunId);
        A.IsClear = false;
        Assert.Equal("own-dead", (await A.Loop.RoundAsync(default)).Code);
        Assert.Null(A.Loop.Desired);
    }

    [Fact]
    public async Task A_raise_that_waits_for_its_place_is_not_sent_once_the_server_is_demoted()
    {
        await _places.WriteAsync(PublishingPlaces.Slice, new FencingToken(1, 3, 1), B.Pod.Host);
        var ofA = A.Over(_places.At(PublishingPlaces.Slice));
        await A.Loop.RoundAsync(default);
        // Two reads find B; then the API server refuses the write, and the pause begins.
        _places.Server.Next(null);
        _places.Server.Next(new Fault.Error(503, "ServiceUnavailable"));
        var round = ofA.RoundAsync(default);
        await Eventually.UntilAsync("the refused write", () => _places.Failures > 0);
        A.IsMaster = false;
        _ = await A.Watch.LookAsync(default);
        await A.Loop.RoundAsync(default);
        await Eventually.UntilAsync("the end of the round", () =>
        {
            _world.Time.Advance(TimeSpan.FromSeconds(1));
            return round.IsCompleted;
        });
        await round;
        await SaysAsync(PublishingPlaces.Slice, B, 1);
    }

    // A has published itself and is a replica by now; B stands there in A's epoch, as sidecars of 0.1.0 publish a hand-over before the
    // Sentinels know of it.
    private async Task<PublisherLoop> HandedOverAsync(string kind)
    {
        var ofA = A.Over(_places.At(kind));
        await A.PublishAsync(ofA);
        await SaysAsync(kind, A, 0);
        A.IsMaster = false;
        await HandOverToBAsync(kind);
        return ofA;
    }

    private async Task HandOverToBAsync(string kind)
    {
        B.IsMaster = true;
        await _places.WriteAsync(kind, new FencingToken(1, 3, 1), B.Pod.Host);
        await SaysAsync(kind, B, 1);
    }

    private async Task SaysAsync(string kind, PublishingNode node, long rev) =>
        Assert.Equal(new PublishedMaster(new FencingToken(1, 3, rev), node.Pod.Host), await _places.ReadAsync(kind));
}
