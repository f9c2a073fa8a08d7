using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Probe.Policy;

/// <summary>
/// Numbers as text. In this namespace a string is never interpolated with anything but strings, which is one concatenation: any
/// other value goes through the shared array pool, whose first use measures the processor, a fifteenth of a probe's time.
/// </summary>
internal static class Digits
{
    public static string Of(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Seconds as a server counts them, which may be any number.</summary>
    public static string Seconds(long number) => DurationText.Of(TimeSpan.FromSeconds(Math.Clamp(number, 0, int.MaxValue)));
}
