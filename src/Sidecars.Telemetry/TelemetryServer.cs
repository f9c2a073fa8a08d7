using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Prometheus;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Retries;

namespace Sidecars.Telemetry;

/// <summary>What <c>/healthz</c> answers: 200, or 503 with the reasons, one a line.</summary>
/// <param name="Reasons">Why it is not healthy; none: it is.</param>
public sealed record HealthReport(IReadOnlyList<string> Reasons)
{
    /// <summary>All is well.</summary>
    public static HealthReport Healthy { get; } = new([]);
}

/// <summary>
/// <c>GET /metrics</c> and <c>GET /healthz</c> of a sidecar on one port. A port that is taken is tried again: telemetry never keeps a
/// sidecar from its work.
/// </summary>
/// <param name="port">To listen on, all addresses; 0 for any free one.</param>
/// <param name="metrics">What is scraped.</param>
/// <param name="health">Asked at every call of <c>/healthz</c>; must not block.</param>
/// <param name="log">For a port that can't be had.</param>
/// <param name="time">Between two tries.</param>
/// <param name="random">Jitter.</param>
public sealed class TelemetryServer(
    int port, MetricSet metrics, Func<HealthReport> health, JsonLineLog log, TimeProvider time, Random random)
{
    // A scraper, kubelet and a person: more at once is somebody else.
    private const int MaxConnections = 32;
    private const string MetricsPath = "/metrics";
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);
    private readonly RetryPipeline _retries = new(
        new RetryRules(new BackoffSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)))
        {
            Failed = static tried => tried.Exception is IOException or SocketException ? new FailedTry() : null,
            Told = (tried, failures) => log.Warning(
                "telemetry_port", $"port {port} can't be listened on: {tried.Exception!.Message}", LogField.Of("failures", failures)),
        },
        time,
        random.NextDouble);

    private readonly TaskCompletionSource<int> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The port, once it listens.</summary>
    public Task<int> Listening => _listening.Task;

    /// <summary>Serves until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await using var app = await _retries.RunAsync(ListenAsync, cancellation).ConfigureAwait(false);
            _listening.TrySetResult(new Uri(app.Urls.First()).Port);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            using var limit = new CancellationTokenSource(StopLimit, time);
            await app.StopAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // It ends.
        }
    }

    private async Task<WebApplication> ListenAsync(CancellationToken cancellation)
    {
        var app = Build();
        try
        {
            await app.StartAsync(cancellation).ConfigureAwait(false);
            return app;
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // The empty builder: no configuration from files and environment, no logging, no routing; settings come from *Options alone.
    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, SignalsAreOurs>());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.ListenAnyIP(port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2); // longer than a scrape interval: one connection a scraper
        });
        var app = builder.Build();
        app.Use(GuardAsync);
        // Never OpenMetrics, which Prometheus would rather have: counters are named otherwise there.
        app.UseMetricServer(settings => (settings.Registry, settings.EnableOpenMetrics) = (metrics.Registry, false), MetricsPath);
        app.Run(AnswerAsync);
        return app;
    }

    private static Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) return next(context);
        context.Response.Headers.Allow = "GET, HEAD";
        return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET and HEAD\n");
    }

    private Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path.Value != "/healthz")
            return WriteAsync(context, StatusCodes.Status404NotFound, "/metrics and /healthz are here\n");
        var report = health();
        return report.Reasons.Count == 0
            ? WriteAsync(context, StatusCodes.Status200OK, "ok\n")
            : WriteAsync(context, StatusCodes.Status503ServiceUnavailable, string.Join('\n', report.Reasons) + "\n");
    }

    private static Task WriteAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(body, context.RequestAborted);
    }
}
