using Sidecars.TestKit.Network;

namespace Sidecars.Integration.Tests.Bootstrap.Support;

/// <summary>A theory that needs a host with an interface of its own; skipped, visibly, where none can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkTheoryAttribute : TheoryAttribute
{
    public NetworkTheoryAttribute() => Skip = NetworkHosts.Unavailable;
}
