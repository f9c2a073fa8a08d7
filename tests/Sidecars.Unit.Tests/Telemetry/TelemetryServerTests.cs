using System.Net;
using System.Net.Sockets;
using System.Text;
using Sidecars.Core.Hosting;
using Sidecars.Telemetry;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Telemetry;

/// <summary>The port of a sidecar, by real sockets.</summary>
[Collection(QuietDays.Name)]
public sealed class TelemetryServerTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly MetricSet _metrics = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly MemoryStream _log = new();
    private HealthReport _health = HealthReport.Healthy;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task Metrics_and_health_are_served_and_nothing_else()
    {
        _metrics.Counter("seen_total", "Seen.").Of()?.Inc(4);
        var server = Server(0);
        var running = server.RunAsync(_stop.Token);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{await server.Listening}") };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Accept.ParseAdd("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"); // as Prometheus asks
        using var metrics = await http.SendAsync(request);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", metrics.Content.Headers.ContentType?.ToString());
        Assert.Contains("seen_total 4\n", await metrics.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(http, "/healthz"));
        _health = new HealthReport(["marker is 12 s old", "DNS refused"]);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "marker is 12 s old\nDNS refused\n"), await GetAsync(http, "/healthz"));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(http, "/")).Status);
        using var post = await http.PostAsync("/metrics", new ByteArrayContent([]));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (post.StatusCode, string.Join(", ", post.Content.Headers.Allow)));
        await _stop.CancelAsync();
        await running;
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/healthz"));
    }

    /// <summary>A scrape each half minute, over one connection as Prometheus keeps it.</summary>
    [Fact]
    [QuietDayOf(typeof(TelemetryServer))]
    public async Task Through_a_day_of_scrapes_memory_does_not_grow_and_the_next_change_is_in_the_next_scrape()
    {
        var time = new VirtualTime();
        var seen = _metrics.Counter("seen_total", "Seen.").Of();
        var server = new TelemetryServer(
            0, _metrics, () => _health, new JsonLineLog(_log, "test", time), time, Random.Shared);
        var running = server.RunAsync(_stop.Token);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{await server.Listening}") };
        await QuietDayTests.OnThreadAsync(() =>
        {
            using var scraper = time.CreateTimer(
                _ => Assert.Contains("seen_total 0\n", Scrape(), StringComparison.Ordinal), null, TimeSpan.FromSeconds(30),
                TimeSpan.FromSeconds(30));
            QuietDay.Pass(time, () => time.Sleepers == 1, output);
            seen?.Inc();
            Assert.Contains("seen_total 1\n", Scrape(), StringComparison.Ordinal);
        });
        Assert.Empty(_log.ToArray());
        await _stop.CancelAsync();
        await running;

        string Scrape()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
            using var answer = http.Send(request);
            using var text = new StreamReader(answer.Content.ReadAsStream());
            return text.ReadToEnd();
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_is_tried_again_and_said_so()
    {
        using var other = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        var port = FreePort.Next();
        other.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        other.Listen();
        var server = Server(port);
        var running = server.RunAsync(_stop.Token);
        await Eventually.UntilAsync("a warning",
            () => Task.FromResult(Encoding.UTF8.GetString(_log.ToArray()).Contains("telemetry_port", StringComparison.Ordinal)));
        Assert.False(server.Listening.IsCompleted);
        other.Dispose();
        Assert.Equal(port, await server.Listening);
        await _stop.CancelAsync();
        await running;
    }

    private TelemetryServer Server(int port) =>
        new(port, _metrics, () => _health, new JsonLineLog(_log, "test", TimeProvider.System), TimeProvider.System, Random.Shared);

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
