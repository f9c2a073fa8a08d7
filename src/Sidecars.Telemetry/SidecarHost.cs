using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Sidecars.Telemetry;

/// <summary>
/// What a sidecar does, as services of the generic host: started together, ended together, within a bound. The builder is empty: no
/// configuration from files and environment, no file watched, no logging; settings come from <c>*Options</c> alone, and signals by the
/// token.
/// </summary>
public static class SidecarHost
{
    /// <summary>Runs services until they are cancelled; where one fails, ends the others too.</summary>
    /// <param name="drain">How long they have to end; what has not ended by then is left to the end of the process.</param>
    /// <param name="cancellation">Ends them.</param>
    /// <param name="services">Each runs until its token is cancelled.</param>
    /// <exception cref="Exception">That of the first service that failed.</exception>
    public static async Task RunAsync(TimeSpan drain, CancellationToken cancellation, params Func<CancellationToken, Task>[] services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, SignalsAreOurs>());
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = drain);
        Service[] hosted = [.. services.Select(run => new Service(run))];
        foreach (var service in hosted) builder.Services.AddSingleton<IHostedService>(service);
        using var host = builder.Build();
        try
        {
            await host.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (hosted.FirstOrDefault(service => service.ExecuteTask is { IsFaulted: true }) is { ExecuteTask: { } failed })
                await failed.ConfigureAwait(false);
        }
    }

    private sealed class Service(Func<CancellationToken, Task> run) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await run(stoppingToken).ConfigureAwait(false);
            if (!stoppingToken.IsCancellationRequested) throw new InvalidOperationException("a service ended by itself");
        }
    }
}

/// <summary>The executable's SignalScope hears SIGTERM and fixes the exit code; a host's own lifetime would end its part first.</summary>
internal sealed class SignalsAreOurs : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
