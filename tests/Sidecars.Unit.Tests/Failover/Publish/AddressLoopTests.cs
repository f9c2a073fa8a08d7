using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Decisions;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>When this pod's addresses are recorded again.</summary>
public sealed class AddressLoopTests
{
    private static readonly NodeAddresses Mine = new("redis-0", "uid-0", new RedisEndpoint("10.96.0.1", 6379), null, null);

    [Fact]
    public async Task It_is_tried_again_as_the_server_asks_later_and_later_where_it_does_not_and_once_an_hour_after_a_success()
    {
        var time = new VirtualTime();
        var (sent, told, stop) = (new List<TimeSpan>(), new Told(), new CancellationTokenSource());
        var answers = new Queue<KubernetesFailure?>(
        [
            new KubernetesFailure.Throttled("slow down", TimeSpan.FromSeconds(30)),
            new KubernetesFailure.ServerError(500, "no", null),
            new KubernetesFailure.Forbidden("no"),
        ]);
        var loop = new AddressLoop(
            (_, _) =>
            {
                sent.Add(time.Now);
                return Task.FromResult(answers.TryDequeue(out var failure) ? failure : null);
            },
            Mine, told, time, () => 0);
        var run = loop.RunAsync(stop.Token);
        time.Run(TimeSpan.FromHours(1.5), () => time.Sleepers == 1);

        Assert.Equal([0, 30, 31, 33, 3633], sent.Select(at => at.TotalSeconds));
        Assert.Equal([("api", true), ("api", true), ("forbidden", true), ("recorded", false), ("recorded", false)], told.Said);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        stop.Dispose();
    }

    private sealed class Told : IDecisionSink
    {
        public List<(string Code, bool IsRefusal)> Said { get; } = [];

        public void Decided(string loop, string code, string reason, bool isRefusal, Func<string> snapshot) => Said.Add((code, isRefusal));

        public void Acted(string loop, string code, string detail, string? failure) => Said.Add((code, failure is not null));
    }
}
