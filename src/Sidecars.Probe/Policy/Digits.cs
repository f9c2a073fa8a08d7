using System.Globalization;

namespace Sidecars.Probe.Policy;

/// <summary>
/// Numbers as text. In this namespace a string is never interpolated with anything but strings, which is one concatenation: any
/// other value goes through the shared array pool, whose first use measures the processor, a fifteenth of a probe's time.
/// </summary>
internal static class Digits
{
    public static string Of(long number) => number.ToString(CultureInfo.InvariantCulture);
}
