using System.Reflection;

namespace Sidecars.Probe;

/// <summary>Of the file that redis-probe-tls is a name of.</summary>
internal static class ProbeVersion
{
    public static string Text => typeof(ProbeVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
