using System.Net;
using Sidecars.Core.Hosting;
using Sidecars.Core.Redis;
using Sidecars.Demo.Output;
using Sidecars.Demo.Scenarios;
using Sidecars.Demo.Tenant;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Pods;

namespace Sidecars.Demo;

/// <summary>Builds the stage, plays the scenario, prints the figures, and clears everything away.</summary>
internal static class DemoRun
{
    private const int ApiPort = 6443; // on the switch of --pods
    private const int PlainWidth = 100; // of the table in a file or a pipe

    /// <returns>The exit code: 1 if an invariant was broken.</returns>
    public static async Task<int> RunAsync(DemoOptions options, IScenario scenario, TextWriter output, CancellationToken cancellation)
    {
        var paint = new Paint(options.Color && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb");
        Figures figures;
        if (options.Pods && NetworkHosts.Unavailable is { } obstacle) throw new InvalidOperationException("--pods: " + obstacle);
        await using var world = options.Pods ? PodWorld.Create(new PodWorldOptions(options.Redis) { ReplaceAtStart = true }) : null;
        var pods = world is null ? null : new ListenElsewhere(new IPEndPoint(NetworkHosts.Services, ApiPort), world.Network.Switch.Bind);
        await using var cluster = scenario.InCluster ? await FakeKubernetesServer.StartAsync(pods: pods) : null;
        await using var group = new LocalGroup(new LocalGroupOptions
        {
            RedisCount = options.Redis,
            SentinelCount = options.Sentinels,
            Environment = RuntimeFolder(),
            Detached = options.Keep,
            Name = "demo",
            Kubernetes = cluster,
            Pods = world,
            Transport = world is null ? endpoint => new TcpTransport(endpoint) : world.Observe,
        });
        if (world is not null) await world.ShowNowAsync();
        await using var tenant = scenario.HasSidecars ? new LocalTenant(group) : null;
        var isTerminal = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";
        IDisplay display = isTerminal ? new LiveDisplay(output, paint, () => Console.WindowWidth) : new LineDisplay(output, paint);
        await using (var stage = new Stage(options, group, tenant, display, cancellation))
        {
            await scenario.RunAsync(stage);
            figures = await stage.FinishAsync();
        }

        Summary.Print(output, paint, figures, isTerminal ? Console.WindowWidth : PlainWidth);
        if (options.JsonFile is { } file) figures.Save(file);
        if (options.Keep) Keep(options, output, paint, group, tenant);
        else Summary.PrintNext(output, paint);
        return figures.Broken.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Keep(DemoOptions options, TextWriter output, Paint paint, LocalGroup group, LocalTenant? tenant)
    {
        Kept.Save(options.KeptFile, group.Folder, tenant?.Processes ?? Kept.ProcessesOf(group));
        group.KeepRunning = true;
        Summary.PrintKept(output, paint, group, tenant);
    }

    // Managed executables are started with an environment of their own, and find the runtime by this where it is in no usual place.
    private static Dictionary<string, string> RuntimeFolder() =>
        Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? new() { ["DOTNET_ROOT"] = root } : [];
}
