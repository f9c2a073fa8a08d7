using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Hosting;
using Sidecars.Aws;
using Sidecars.Backup.Restore;
using Sidecars.Backup.Upload;
using Sidecars.Bootstrap;
using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Hosting;
using Sidecars.Failover;
using Sidecars.Probe;
using Sidecars.Retries;
using Sidecars.Telemetry;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Architecture;

/// <summary>
/// Every loop of the product waits for a virtual day in a test (<see cref="QuietDayOfAttribute"/>), or is here with the reason why it need
/// not: the next one cannot be forgotten.
/// </summary>
public sealed class QuietDayCoverageTests
{
    private static readonly Assembly[] Product =
    [
        typeof(HeartbeatFile).Assembly, typeof(RotatingCredentials).Assembly, typeof(RetryPipeline).Assembly,
        typeof(TelemetryServer).Assembly, typeof(ProbeHelp).Assembly, typeof(BootstrapRunner).Assembly, typeof(SidecarLoops).Assembly,
        typeof(UploaderLoop).Assembly,
    ];

    // Names of methods that run until they are cancelled; one that gives a result ends by itself.
    private static readonly HashSet<string> Endless = ["RunAsync", "WatchAsync", "RefreshAsync", "ListenAsync", "AcceptAsync"];

    /// <summary>Those that wait for no clock, or end by themselves.</summary>
    private static readonly Dictionary<Type, string> Without = new()
    {
        [typeof(Sidecar)] = "starts the others and waits for their end",
        [typeof(SidecarHost)] = "the same",
        [typeof(SidecarHost).GetNestedType("Service", BindingFlags.NonPublic)!] = "runs what it is given",
        [typeof(PeerEvidence)] = "waits for connections",
        [typeof(Sidecars.Bootstrap.Redis.BackupRestore)] = "waits for the end of a process",
        [typeof(RestoreRunner)] = "ends with the restore",
    };

    [Fact]
    public void Every_loop_has_a_quiet_day_or_a_reason_to_have_none()
    {
        var loops = Product.SelectMany(assembly => assembly.GetTypes()).Where(IsLoop).ToHashSet();
        var covered = Tests().SelectMany(test => test.Days.Loops).ToHashSet();
        Assert.True(loops.Count > 30, $"{loops.Count} were found");
        Assert.Empty(loops.Except(covered).Except(Without.Keys).Select(type => type.FullName));
        Assert.Empty(Without.Keys.Except(loops).Select(type => $"{type.FullName} is no loop any more"));
        Assert.Empty(Without.Keys.Intersect(covered).Select(type => $"{type.FullName} has its day"));
    }

    [Fact]
    public void A_quiet_day_is_a_test_that_runs_alone_since_it_measures_memory()
    {
        Assert.NotEmpty(Tests());
        foreach (var (method, _) in Tests())
        {
            Assert.NotNull(method.GetCustomAttribute<FactAttribute>());
            Assert.Contains(method.DeclaringType!.GetCustomAttributesData(),
                data => data.AttributeType == typeof(CollectionAttribute)
                    && data.ConstructorArguments is [{ Value: QuietDays.Name }]);
        }
    }

    [Fact]
    public void What_waits_for_a_clock_is_found_by_its_name_or_by_its_method()
    {
        Assert.True(IsLoop(typeof(UploaderLoop)));
        Assert.True(IsLoop(typeof(TelemetryServer)));
        Assert.True(IsLoop(typeof(SidecarHost).GetNestedType("Service", BindingFlags.NonPublic)!));
        Assert.False(IsLoop(typeof(MetricSet)));
    }

    private static IEnumerable<(MethodInfo Method, QuietDayOfAttribute Days)> Tests() =>
        from type in typeof(QuietDayCoverageTests).Assembly.GetTypes()
        from method in type.GetMethods()
        where method.GetCustomAttribute<QuietDayOfAttribute>() is not null
        select (method, method.GetCustomAttribute<QuietDayOfAttribute>()!);

    private static bool IsLoop(Type type) =>
        type is { IsInterface: false } && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null
        && (type.Name.EndsWith("Loop", StringComparison.Ordinal) || typeof(IHostedService).IsAssignableFrom(type)
            || Methods(type).Any(method => Endless.Contains(method.Name) && method.ReturnType == typeof(Task)
                && method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken))));

    private static MethodInfo[] Methods(Type type) => type.GetMethods(
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
}
