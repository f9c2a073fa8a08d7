using System.Globalization;

namespace Sidecars.Core.Kubernetes;

/// <summary>The times written into a Lease: for people, and so that each renewal is a change.</summary>
internal static class LeaseClock
{
    /// <summary>
    /// RFC 3339 with exactly six digits, which is all that older API servers parse. Always unlike <paramref name="previous"/>:
    /// a wall clock may stand still or jump, and a renewal that changes nothing would not be seen as one.
    /// </summary>
    public static string Next(DateTimeOffset now, string? previous)
    {
        var text = Format(now);
        return text == previous ? Format(now.AddMicroseconds(1)) : text;
    }

    private static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}
