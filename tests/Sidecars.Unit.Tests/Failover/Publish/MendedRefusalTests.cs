using Sidecars.Failover.Publish;
using Sidecars.Telemetry;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>A place that refuses, as a weighted record does, until a person has mended what it names; its own checks are rare.</summary>
public sealed class MendedRefusalTests
{
    // The look at the server; the resolver, and look and subscription of each Sentinel; what is desired; the place.
    private const int Sleepers = 1 + 1 + (3 * 2) + 1 + 1;

    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMinutes(30);

    [Fact]
    public async Task What_a_person_has_mended_is_published_within_a_minute_and_looked_for_twice_a_minute_until_then()
    {
        await using var group = new MemoryGroup(TimeSpan.FromSeconds(10));
        var place = new Place { Refuses = true };
        var publisher = new PublisherLoop(
            place, group.Publishing, (_, _) => Task.FromResult<PublishOrder?>(null), new PublisherSettings(CheckPeriod, DryRun: false),
            new PublishMetrics(new MetricSet()), group.Sink, group.Time, () => 0.5);
        group.Start(
            ("server", group.Server.RunAsync), ("sentinels", group.Watch.RunAsync), ("publish", group.Publishing.RunAsync),
            ("place", publisher.RunAsync));
        await QuietDayTests.OnThreadAsync(() =>
        {
            void Run(TimeSpan span) => group.Time.Run(span, () => group.Time.Sleepers == Sleepers);
            Run(TimeSpan.FromHours(1));
            Assert.InRange(place.Tries, 110, 122);
            Assert.Null(place.Published);
            Assert.Equal("weighted: it is weighted", group.Sink["publish-place!"]);

            place.Refuses = false;
            Run(TimeSpan.FromMinutes(1));
            Assert.Equal(MemoryGroup.Me.Host, place.Published?.Address);
            // And from then on at its own pace.
            var before = place.Tries;
            Run(CheckPeriod - TimeSpan.FromMinutes(1));
            Assert.Equal(before, place.Tries);
        });
    }

    private sealed class Place : ITargetWriter
    {
        public bool Refuses { get; set; }

        public int Tries { get; private set; }

        public PublishedMaster? Published { get; private set; }

        public string Name => "place";

        public string Description => "a place";

        public PublishedMaster? Remembered => Published;

        public string? AddressOf(MasterAddresses addresses) => addresses.External;

        public Task<PublishedMaster?> LookAsync(CancellationToken cancellation) => Task.FromResult(Published);

        public Task<PublishOutcome?> PublishAsync(
            PublishOrder order, IDesiredMasters desired, bool fresh, CancellationToken cancellation)
        {
            Tries++;
            if (Refuses) return Task.FromResult<PublishOutcome?>(new PublishOutcome.Refused("weighted", "it is weighted"));
            Published = new PublishedMaster(order.Desired.Token, AddressOf(order.Addresses)!);
            return Task.FromResult<PublishOutcome?>(new PublishOutcome.Written("first", "nothing stood there", Published, ""));
        }

        public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) => Task.FromResult<bool?>(true);

        public void Dispose()
        {
            // Holds nothing.
        }
    }
}
