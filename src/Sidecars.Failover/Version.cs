using System.Reflection;

namespace Sidecars.Failover;

/// <summary>Of this executable.</summary>
internal static class Version
{
    public static string Text =>
        typeof(Version).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
