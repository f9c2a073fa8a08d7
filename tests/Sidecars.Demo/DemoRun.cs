using System.Net;
using Sidecars.Core.Hosting;
using Sidecars.Core.Redis;
using Sidecars.Demo.Output;
using Sidecars.Demo.Scenarios;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Pods;

namespace Sidecars.Demo;

/// <summary>Builds the stage, plays the scenario, prints the figures, and clears everything away.</summary>
internal static class DemoRun
{
    private const int ApiPort = 6443; // on the switch of --pods

    /// <returns>The exit code: 1 if an invariant was broken.</returns>
    public static async Task<int> RunAsync(DemoOptions options, IScenario scenario, TextWriter output, CancellationToken cancellation)
    {
        var paint = new Paint(options.Color && !Console.IsOutputRedirected);
        Figures figures;
        if (options.Pods && NetworkHosts.Unavailable is { } obstacle) throw new InvalidOperationException("--pods: " + obstacle);
        await using var world = options.Pods ? PodWorld.Create(new PodWorldOptions(options.Redis) { ReplaceAtStart = true }) : null;
        var pods = world is null ? null : new ListenElsewhere(new IPEndPoint(NetworkHosts.Services, ApiPort), world.Network.Switch.Bind);
        await using var cluster = scenario.InCluster ? await FakeKubernetesServer.StartAsync(pods: pods) : null;
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            RedisCount = options.Redis,
            SentinelCount = options.Sentinels,
            Detached = options.Keep,
            Name = "demo",
            Kubernetes = cluster,
            Pods = world,
            Transport = world is null ? endpoint => new TcpTransport(endpoint) : world.Observe,
        });
        if (world is not null) await world.ShowNowAsync();
        IDisplay display = Console.IsOutputRedirected ? new LineDisplay(output, paint) : new LiveDisplay(output, paint);
        await using (var stage = new Stage(options, group, display, cancellation))
        {
            await scenario.RunAsync(stage);
            figures = await stage.FinishAsync();
        }

        Summary.Print(output, paint, figures);
        if (options.JsonFile is { } file) figures.Save(file);
        if (options.Keep)
        {
            group.KeepRunning = true;
            Summary.PrintKept(output, group);
        }

        return figures.Broken.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
    }
}
