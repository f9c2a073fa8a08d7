using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Sidecars.Core.Election;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.Core.Sentinel;
using Sidecars.Failover.Keeper;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Targets.Slice;
using Sidecars.Failover.RoleLabel;
using Sidecars.Telemetry;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>Everything in the sidecar that calls the API server, while that is away; and the marker, which does not.</summary>
[Collection(QuietDays.Name)]
public sealed class ApiAwayTests(ITestOutputHelper output)
{
    // server 1, Sentinels 1 + 3 * 2, publish 1, marker 1, record 1, epoch 1, slice 1, label 1
    private const int Sleepers = 14;

    /// <summary>An hour; a day with SIDECARS_SOAK=1.</summary>
    internal static readonly int Hours = RunCount.Soak ? 24 : 1;

    /// <summary>What the server does, and how many requests of the four loops that may come to in an hour.</summary>
    public static TheoryData<string, int> Weathers => new()
    {
        // One caller at a time is told to wait 30 s, and all keep to it.
        { "429, 30 s", 121 },
        { "503, in 30 s by date", 121 },
        // Nothing is asked: the record and the epoch at most every 15 s (half of 30), the slice every 10, the label every 150; and the way
        // there.
        { "503", 240 + 240 + 360 + 24 + 40 },
        { "hang", 240 + 240 + 360 + 24 + 40 },
        { "refused", 240 + 240 + 360 + 24 + 40 },
    };

    [Theory]
    [MemberData(nameof(Weathers))]
    public async Task Requests_stay_within_what_is_asked_and_there_is_a_marker_a_second(string weather, int most)
    {
        await using var sidecar = new Rig(weather);
        await QuietDayTests.OnThreadAsync(() =>
        {
            sidecar.Run(TimeSpan.FromHours(Hours));
            var sent = sidecar.Api.Sent.ToArray();
            output.WriteLine($"{weather}: {sent.Length} requests and {sidecar.Markers.Count()} markers in {Hours} h, "
                + $"{sent.Count(at => at < TimeSpan.FromSeconds(30))} requests in its first 30 s");

            Assert.InRange(sent.Length, 20, most * Hours);
            if (weather.Contains("30 s", StringComparison.Ordinal))
                Assert.All(After(sent).Zip(After(sent).Skip(1)),
                    pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromSeconds(30), $"{pair}"));
            // Second 0, and each second after it.
            Assert.Equal(Enumerable.Range(0, (3600 * Hours) + 1).Select(second => TimeSpan.FromSeconds(second)), sidecar.Markers);

            sidecar.Clear();
            sidecar.Run(TimeSpan.FromMinutes(1));
            Assert.Equal("redis-0", sidecar.Record.Record?.LastServing?.Node);
            Assert.Equal(200, sidecar.Api.Objects.Get("endpointslices.discovery.k8s.io", MemoryApi.Namespace, "redis-master").Code);
            Assert.Empty(sidecar.Group.Failures);
        });
    }

    /// <summary>The other quiet day: of what keeps and publishes, beside a server that is there.</summary>
    [Fact]
    [QuietDayOf(typeof(MarkerLoop), typeof(RecordLoop), typeof(EpochKeeperLoop), typeof(PublisherLoop), typeof(RoleLabelLoop))]
    public async Task With_nothing_away_and_nothing_new_the_server_is_asked_at_its_pace_and_the_next_event_is_published_in_the_same_moment()
    {
        await using var sidecar = new Rig("fine");
        await QuietDayTests.OnThreadAsync(() =>
        {
            sidecar.Run(TimeSpan.FromMinutes(1));
            var before = sidecar.Api.Sent.Count;
            QuietDay.Pass(sidecar.Group.Time, () => sidecar.IsIdle, output, Hours);
            output.WriteLine($"{sidecar.Api.Sent.Count - before} requests in {Hours} h");
            // The record is renewed every 30 s, slice and label are looked at now and then, the epoch is written when it changes: one
            // request in 4 s.
            Assert.InRange(sidecar.Api.Sent.Count - before, 120 * Hours, 1000 * Hours);
            Assert.Equal(Enumerable.Range(0, 60 + (3600 * Hours) + 1).Select(second => TimeSpan.FromSeconds(second)), sidecar.Markers);
            Assert.Empty(sidecar.Group.Failures);

            var now = sidecar.Group.Time.Now;
            Assert.Equal("1.3.0", sidecar.PublishedToken);
            sidecar.Group.Named = (MemoryGroup.Me, 5);
            foreach (var sentinel in sidecar.Group.Sentinels) sentinel.Publish(FakeReply.Message("+switch-master", "tenant/shop"));
            sidecar.Group.Time.Settle(() => sidecar.PublishedToken == "1.5.0");
            Assert.Equal(now, sidecar.Group.Time.Now);
        });
    }

    // Loops that begin in one moment have all asked before the first is answered; from then on each keeps to what any was told.
    private static IEnumerable<TimeSpan> After(TimeSpan[] sent) => sent.SkipWhile((at, i) => i + 1 < sent.Length && sent[i + 1] == sent[0]);

    [Theory]
    [InlineData("Retry-After: 7", 7)]
    [InlineData("Retry-After: 0", null)]
    [InlineData("Retry-After: 86400", 60)]
    [InlineData("Retry-After: soon", null)]
    [InlineData("Retry-After: 99999999999999999999", null)]
    [InlineData("Retry-After: Fri, 20 Nov 2026 10:00:20 GMT", 20)]
    [InlineData("Retry-After: Fri, 20 Nov 2026 09:00:00 GMT", null)]
    [InlineData("Retry-After: Sat, 06 Nov 2094 08:49:37 GMT", 60)]
    [InlineData("Retry-After: Fri, 20 Nov 2026 12:00:20 GMT|Date: Fri, 20 Nov 2026 12:00:00 GMT", 20)]
    public async Task Retry_After_is_read_in_both_its_forms_and_bounded(string headers, int? seconds)
    {
        var time = new VirtualTime();
        using var api = new MemoryApi(time);
        api.Weather = () =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests);
            foreach (var header in headers.Split('|'))
                Assert.True(response.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]));
            return response;
        };
        var failed = Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await api.Client.GetLeaseAsync("shop", default));
        Assert.Equal(seconds, failed.Failure.AskedToWait?.TotalSeconds);

        // Until then nothing is sent, whoever calls; then it is.
        api.Weather = () => null;
        if (seconds is { } asked)
        {
            time.Run(TimeSpan.FromSeconds(asked) - TimeSpan.FromMilliseconds(1), () => true);
            var early = Assert.IsType<KubernetesRead<PodDocument>.Failed>(await api.Client.GetPodAsync("redis-0", default));
            Assert.Equal(TimeSpan.FromMilliseconds(1), Assert.IsType<KubernetesFailure.Throttled>(early.Failure).RetryAfter);
            Assert.Single(api.Sent);
            time.Run(TimeSpan.FromMilliseconds(1), () => true);
        }

        Assert.IsType<KubernetesFailure.NotFound>(
            Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await api.Client.GetLeaseAsync("shop", default)).Failure);
        Assert.Equal(2, api.Sent.Count);
    }

    // A hello may carry any number; a Lease with one above 2^53-1 could not be read again.
    [Theory]
    [InlineData(1L << 53)]
    [InlineData(1L << 62)]
    [InlineData(long.MaxValue)]
    public async Task An_epoch_beyond_reason_is_in_no_marker_no_record_and_no_slice(long epoch)
    {
        await using var sidecar = new Rig("");
        await QuietDayTests.OnThreadAsync(() =>
        {
            sidecar.Run(TimeSpan.FromMinutes(1));
            Assert.Equal((3, 3), (sidecar.Marker.Written!.Marker.HighestEpoch, sidecar.Record.Record!.HighestEpoch));
            foreach (var named in new[] { MemoryGroup.Me, MemoryGroup.Other, MemoryGroup.Me })
            {
                sidecar.Group.Named = (named, epoch);
                sidecar.Run(TimeSpan.FromMinutes(2));
            }

            Assert.Equal((3, 3), (sidecar.Marker.Written!.Marker.HighestEpoch, sidecar.Marker.Written.Marker.Token.Epoch));
            Assert.Equal((3, 3), (sidecar.Record.Record!.HighestEpoch, sidecar.Record.Record.LastServing!.Token.Epoch));
            var slice = sidecar.Api.Objects.Get("endpointslices.discovery.k8s.io", MemoryApi.Namespace, "redis-master").Object;
            Assert.Contains(
                ".3.", slice["metadata"]!["annotations"]!["sidecars.redis/token"]!.GetValue<string>(), StringComparison.Ordinal);

            // All Sentinels are rebuilt from the record: what follows is published and recorded as ever.
            sidecar.Group.Named = (MemoryGroup.Me, 4);
            sidecar.Run(TimeSpan.FromMinutes(2));
            Assert.Equal((4, 4), (sidecar.Marker.Written!.Marker.Token.Epoch, sidecar.Record.Record!.LastServing!.Token.Epoch));
        });
    }

    /// <summary>A sidecar's loops around one API server.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly TempFolder _data = new("api-away");
        private readonly List<TimeSpan> _markers = [];

        public Rig(string weather)
        {
            Api = new MemoryApi(Group.Time);
            Api.Objects.Seed("pods", MemoryApi.Namespace,
                new JsonObject { ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = "redis-0", ["uid"] = "uid-0" } });
            if (!ClusterId.TryParse("tenant/shop", out var cluster)) throw new InvalidOperationException();
            var leases = new GroupLeaseStore(Api.Client, cluster, "shop", Group.Time);
            var me = new SidecarIdentity(cluster, new NodeIdentity("redis-0", "uid-0"), "boot", 3, Durability.Aof);
            var marker = new MarkerLoop(
                me, new ServerClient(async ct => (await Group.Server.AskAsync(ct)).Look, _data.Path, DataLayout.Default),
                () => Group.Server.Address,
                Looking, () => Record!.Names, new MarkerStore(_data.Path), TimeSpan.FromSeconds(1), Problem, Group.Time);
            Record = new RecordLoop(me, marker, new LeaseGroupRecord(Api.Client, leases, "redis-0", 3), TimeSpan.FromSeconds(30), Problem,
                Group.Time, () => 0.5);
            var epochs = new EpochKeeperLoop(
                _ => Task.FromResult(Group.Watch.Observe()), new LeaseEpochStore(leases, cluster), 3, TimeSpan.FromSeconds(1),
                (_, _) => { }, Group.Time, () => 0.5);
            var slice = new PublisherLoop(
                new TargetWriter<EndpointSliceDocument?, EndpointSliceDocument>(
                    new SliceTarget(Api.Client, "redis-master", "redis"), cluster,
                    new BackoffSchedule(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20)), _ => { }, Group.Time, () => 0.5),
                Group.Publishing, (_, _) => Task.FromResult<PublishOrder?>(null),
                new PublisherSettings(TimeSpan.FromMinutes(1), DryRun: false), new PublishMetrics(new MetricSet()), Group.Sink,
                Group.Time, () => 0.5);
            var label = new RoleLabelLoop(Api.Client, "redis-0", "uid-0", () => Group.Server.Last, Group.Server.Changed, dryRun: false,
                Group.Sink, Group.Time, () => 0.5);
            Marker = marker;
            Set(weather);
            Group.Start(
                ("server", Group.Server.RunAsync), ("sentinels", Group.Watch.RunAsync), ("publish", Group.Publishing.RunAsync),
                ("record", Record.RunAsync),
                ("epoch", epochs.RunAsync), ("slice", slice.RunAsync), ("label", label.RunAsync), ("marker", marker.RunAsync));
            // Between INFO and the disk.
            IReadOnlyCollection<SentinelObservation> Looking()
            {
                if (_markers.Count == 0 || Marker.Written?.At == _markers[^1].Ticks) _markers.Add(Group.Time.Now);
                return Group.Watch.Observe();
            }
        }

        public MemoryGroup Group { get; } = new(TimeSpan.FromSeconds(10));

        public MemoryApi Api { get; }

        public RecordLoop Record { get; }

        public MarkerLoop Marker { get; private set; } = null!;

        /// <summary>When each marker was written; one that was not ends the list.</summary>
        public IEnumerable<TimeSpan> Markers => _markers.Where(at => at.Ticks <= Marker.Written?.At);

        /// <summary>Of the slice.</summary>
        public string? PublishedToken =>
            Api.Objects.Get("endpointslices.discovery.k8s.io", MemoryApi.Namespace,
                "redis-master").Object["metadata"]?["annotations"]?["sidecars.redis/token"]?.GetValue<string>();

        public bool IsIdle => Group.Time.Sleepers + Api.Hanging == Sleepers;

        public void Run(TimeSpan span) => Group.Time.Run(span, () => IsIdle);

        public void Clear() => (Api.Hangs, Api.Weather) = (false, () => null);

        public async ValueTask DisposeAsync()
        {
            await Group.DisposeAsync();
            Api.Dispose();
            _data.Dispose();
        }

        private void Set(string weather)
        {
            Api.Hangs = weather == "hang";
            Api.Weather = weather switch
            {
                "429, 30 s" => () => After(HttpStatusCode.TooManyRequests, new RetryConditionHeaderValue(TimeSpan.FromSeconds(30))),
                "503, in 30 s by date" =>
                    () => After(HttpStatusCode.ServiceUnavailable, new RetryConditionHeaderValue(Group.Time.GetUtcNow().AddSeconds(31))),
                "503" => () => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable),
                "refused" => () => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused"),
                _ => () => null,
            };
        }

        // A date has whole seconds: one more, so that 30 s are asked for at least.
        private static HttpResponseMessage After(HttpStatusCode status, RetryConditionHeaderValue after)
        {
            var response = new HttpResponseMessage(status);
            response.Headers.RetryAfter = after;
            return response;
        }

        private static void Problem(string code, string why)
        {
            // Expected: the server is away.
        }
    }
}
