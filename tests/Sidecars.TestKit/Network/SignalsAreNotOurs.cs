using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Sidecars.TestKit.Network;

/// <summary>
/// For the servers of tests: a signal is for the program that runs them. The host's own lifetime stops its server at SIGTERM, also where a
/// test of signals sends one to its own process, beside which another test then waits for a server that is gone.
/// </summary>
internal sealed class SignalsAreNotOurs : IHostLifetime
{
    public static void Register(IServiceCollection services) =>
        services.Replace(ServiceDescriptor.Singleton<IHostLifetime, SignalsAreNotOurs>());

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
