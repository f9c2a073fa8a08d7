using Sidecars.TestKit.Network;
using Xunit;

namespace Sidecars.Faults.Tests;

/// <summary>A fact that needs hosts; skipped, visibly, where none can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkFactAttribute : FactAttribute
{
    public NetworkFactAttribute() => Skip = NetworkHosts.Unavailable;
}

/// <summary>A theory that needs hosts.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkTheoryAttribute : TheoryAttribute
{
    public NetworkTheoryAttribute() => Skip = NetworkHosts.Unavailable;
}

/// <summary>Single faults of the full set: minutes; SIDECARS_SOAK=1 plays them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SoakNetworkTheoryAttribute : TheoryAttribute
{
    public SoakNetworkTheoryAttribute() =>
        Skip = NetworkHosts.Unavailable ?? (Environment.GetEnvironmentVariable("SIDECARS_SOAK") == "1"
            ? null
            : "every fault on its own takes several minutes: scripts/soak plays them");
}
