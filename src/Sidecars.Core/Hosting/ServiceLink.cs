using System.Globalization;

namespace Sidecars.Core.Hosting;

/// <summary>
/// The variables that kubelet sets for each Service of a namespace (unless <c>enableServiceLinks: false</c>) and Docker for each link: for
/// a Service <c>redis</c>, among others, <c>REDIS_PORT=tcp://10.96.10.1:6379</c>. Nobody meant them as a setting.
/// </summary>
public static class ServiceLink
{
    private static readonly string[] Schemes = ["tcp://", "udp://", "sctp://"];

    /// <summary>True where a text has the form of a link, whose port is then told.</summary>
    public static bool TryPort(string text, out int port)
    {
        ArgumentNullException.ThrowIfNull(text);
        port = 0;
        return Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.Ordinal))
            && int.TryParse(text.AsSpan(text.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and <= 65535;
    }

    /// <summary>The line that says that a link is not used.</summary>
    public static string Ignored(string name, string text, int instead) => string.Create(CultureInfo.InvariantCulture,
        $"{name}={text} is the link to a Service of that name, not a setting: {instead} is used (enableServiceLinks: "
        + $"false in the pod's spec keeps such variables away)");
}
