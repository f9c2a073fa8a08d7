using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Failover;
using Sidecars.Failover.Keeper;
using Sidecars.TestKit.Processes;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>
/// A sidecar reads the record every 30 s, and an election may have raised the term since: whoever becomes master then publishes under the
/// new term in the same moment, on a clock that stands still.
/// </summary>
public sealed class LaterTermTests : IAsyncLifetime
{
    private readonly PublishingWorld _world = new();
    private readonly TempFolder _data = new("later-term");
    private readonly OneRecord _record = new() { Term = 1 };
    private PublishingPlaces _places = null!;

    public static TheoryData<string> Kinds => PublishingPlaces.Kinds;

    public async Task InitializeAsync() => _places = await PublishingPlaces.StartAsync(_world.Time);

    public async Task DisposeAsync()
    {
        await _places.DisposeAsync();
        await _world.DisposeAsync();
        _data.Dispose();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_later_term_that_a_target_shows_is_read_from_the_record_and_published_under_at_once(string kind)
    {
        var (node, record) = (_world.A, Reader());
        node.Term = new GroupTerm(() => 0, record);
        node.StartSidecar();
        using var stop = new CancellationTokenSource();
        var running = Task.WhenAll(
            record.RunAsync(stop.Token), node.Loop.RunAsync(stop.Token), node.Over(_places.At(kind)).RunAsync(stop.Token));
        await SaysAsync(kind, new FencingToken(1, 3, 0), node.Outside!);
        var reads = _record.Reads;

        // Another node wins an election, serves, and hands over to A.
        _record.Term = 2;
        await _places.WriteAsync(kind, new FencingToken(2, 3, 0), _world.B.Outside!);
        _world.Sentinels.Switch(node);
        _world.Sentinels.Changed.Raise();
        await SaysAsync(kind, new FencingToken(2, 4, 0), node.Outside!);
        Assert.Equal(reads + 1, _record.Reads);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_later_term_that_the_record_does_not_know_is_not_taken_over(string kind)
    {
        var (node, record) = (_world.A, Reader());
        node.Term = new GroupTerm(() => 0, record);
        node.StartSidecar();
        var publisher = node.Over(_places.At(kind));
        Assert.Null(await record.RoundAsync(default));
        await _places.WriteAsync(kind, new FencingToken(1L << 40, 0, 0), _world.B.Outside!);
        for (var round = 0; round < 3; round++)
        {
            await node.PublishAsync(publisher);
            Assert.Null(await record.RoundAsync(default));
        }

        Assert.Equal(1, node.Term.Value);
        Assert.Equal(new FencingToken(1L << 40, 0, 0), (await _places.ReadAsync(kind))!.Token);
        // One read a look at the target, and none without.
        var reads = _record.Reads;
        Assert.InRange(reads, 2, 4);
        Assert.Null(await record.RoundAsync(default));
        Assert.Equal(reads, _record.Reads);
    }

    [Fact]
    public async Task A_read_that_was_asked_for_and_failed_is_made_at_the_next_try_and_not_at_its_next_turn()
    {
        var record = Reader();
        Assert.Null(await record.RoundAsync(default));
        (_record.Term, _record.Away) = (2, "no answer");
        record.ReadSoon();
        Assert.NotNull(await record.RoundAsync(default));
        Assert.NotNull(await record.RoundAsync(default));
        _record.Away = null;
        Assert.Null(await record.RoundAsync(default));
        Assert.Equal((2L, 4), (record.Record!.Term, _record.Reads));
    }

    private Task SaysAsync(string kind, FencingToken token, string address) => Eventually.UntilAsync(
        $"{address} to be published with token {token}",
        async () => await _places.ReadAsync(kind) is { } there && (there.Token, there.Address) == (token, address));

    private RecordLoop Reader()
    {
        var me = new SidecarIdentity(PublishingWorld.Cluster, new NodeIdentity("redis-0", "uid-0"), "boot", 3, Durability.Aof);
        var markers = new MarkerLoop(
            me, new ServerClient(_ => Task.FromResult<Sidecars.Core.Topology.NodeLook?>(null), _data.Path, DataLayout.Default), () => null,
            _world.Sentinels.Observe, () => GroupNames.None, new MarkerStore(_data.Path), TimeSpan.FromSeconds(1), (_, _) => { },
            _world.Time);
        return new RecordLoop(me, markers, _record, TimeSpan.FromSeconds(30), (_, _) => { }, _world.Time, () => 0.5);
    }

    private sealed class OneRecord : IGroupRecord
    {
        private int _reads;

        public long Term { get; set; }

        /// <summary>Why it can't be read; null: it can.</summary>
        public string? Away { get; set; }

        public int Reads => Volatile.Read(ref _reads);

        public Task<ElectionObservation> ReadAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref _reads);
            if (Away is { } why) return Task.FromResult<ElectionObservation>(new ElectionObservation.Unavailable(why));
            return Task.FromResult<ElectionObservation>(
                new ElectionObservation.Known(new ElectionView { Record = new ElectionRecord { Term = Term }, Version = "1" }));
        }

        public Task<ClaimOutcome> ReportAsync(ServingReport report, CancellationToken cancellation) =>
            throw new InvalidOperationException("nothing is served");
    }
}
