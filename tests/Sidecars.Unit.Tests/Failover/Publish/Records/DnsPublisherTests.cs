using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Zone;
using static Sidecars.Unit.Tests.Failover.Publish.Records.DnsFacts;

namespace Sidecars.Unit.Tests.Failover.Publish.Records;

/// <summary>The loop around the decision, over a zone in memory with the rules of the real ones.</summary>
public sealed class DnsPublisherTests
{
    private static readonly BackoffSchedule Quick = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));

    [Fact]
    public async Task A_switch_costs_one_call_once_the_record_is_known()
    {
        var zone = new Zone();
        var publisher = Over(zone);
        Assert.Equal("first", (await PublishAsync(publisher, 1, 1, "10.0.0.1")).Code);
        Assert.Equal("newer-token", (await PublishAsync(publisher, 1, 2, "10.0.0.2")).Code);
        Assert.Equal((1, 2), (zone.Reads, zone.Writes));
        Assert.Equal("10.0.0.2", zone.Address);
    }

    [Fact]
    public async Task What_it_remembers_never_ends_it_by_itself()
    {
        var zone = new Zone();
        var (one, two) = (Over(zone), Over(zone));
        _ = await PublishAsync(one, 1, 1, "10.0.0.1");
        _ = await PublishAsync(two, 1, 5, "10.0.0.5");
        Assert.Equal("superseded", (await PublishAsync(one, 1, 1, "10.0.0.1")).Code);
        Assert.Equal("superseded", (await PublishAsync(one, 1, 4, "10.0.0.4")).Code);
        Assert.Equal("newer-token", (await PublishAsync(one, 1, 6, "10.0.0.6")).Code);
        Assert.Equal("10.0.0.6", zone.Address);
    }

    [Fact]
    public async Task A_lost_response_is_found_to_be_applied()
    {
        var zone = new Zone();
        var publisher = Over(zone);
        zone.LoseResponses = 1;
        Assert.Equal("up-to-date", (await PublishAsync(publisher, 1, 1, "10.0.0.1")).Code);
        Assert.Equal(1, zone.Writes);
    }

    [Fact]
    public async Task Failures_are_told_and_outlasted()
    {
        var zone = new Zone { Failures = 5 };
        var told = 0;
        var publisher = new DnsPublisher(zone, Quick, TimeProvider.System, () => 0) { OnFailure = _ => told++ };
        Assert.Equal("first", (await PublishAsync(publisher, 1, 1, "10.0.0.1")).Code);
        Assert.Equal(5, told);
    }

    [Fact]
    public async Task What_is_wanted_may_change_while_it_waits()
    {
        var zone = new Zone { Failures = 3 };
        var asked = 0;
        _ = await Over(zone).PublishAsync(() => ++asked < 3 ? Publication(1, 1, "10.0.0.1") : Publication(1, 2, "10.0.0.2"), fresh: true, default);
        Assert.Equal("10.0.0.2", zone.Address);
    }

    [Fact]
    public async Task Cancelling_ends_it()
    {
        using var stop = new CancellationTokenSource();
        var publisher = new DnsPublisher(new Zone { Failures = int.MaxValue }, Quick, TimeProvider.System, () => 0) { OnFailure = _ => stop.Cancel() };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publisher.PublishAsync(() => Publication(1, 1, "10.0.0.1"), fresh: false, stop.Token));
    }

    private static DnsPublisher Over(Zone zone) => new(zone, Quick, TimeProvider.System, () => 0);

    private static async Task<DnsDecision> PublishAsync(DnsPublisher publisher, long term, long epoch, string address) =>
        (await publisher.PublishAsync(() => Publication(term, epoch, address), fresh: false, default))!.Value.Decision;

    private sealed class Zone : IDnsRecordStore
    {
        private readonly ZoneFileDocument _zone = ZoneFileDocument.Parse("");

        public int Reads { get; private set; }

        public int Writes { get; private set; }

        public int Failures { get; set; }

        public int LoseResponses { get; set; }

        public string Description => "a zone in memory";

        public string? Address => _zone.SetsAt(Name).SingleOrDefault()?.Values[0];

        public Task<DnsRead> ReadAsync(string name, string ownerName, CancellationToken cancellation)
        {
            Reads++;
            return Task.FromResult<DnsRead>(Failures-- > 0 ? new DnsRead.Failed(new DnsFailure(DnsFailureKind.Throttled, "slow down")) : new DnsRead.Known(new DnsSnapshot(_zone.SetsAt(name, ownerName))));
        }

        public Task<DnsWrite> ApplyAsync(DnsChange change, CancellationToken cancellation)
        {
            Writes++;
            if (_zone.Apply(change) is { } conflict) return Task.FromResult<DnsWrite>(new DnsWrite.Conflict(conflict));
            return Task.FromResult<DnsWrite>(LoseResponses-- > 0 ? new DnsWrite.Failed(new DnsFailure(DnsFailureKind.Unavailable, "no answer")) : new DnsWrite.Applied("1"));
        }

        public Task<bool?> IsEverywhereAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);
    }
}
