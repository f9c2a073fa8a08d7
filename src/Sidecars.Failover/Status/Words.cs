using System.Globalization;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Core.Sentinel;
using Sidecars.Core.Topology;

namespace Sidecars.Failover.Status;

/// <summary>Texts that several findings share.</summary>
internal static class Words
{
    private const string TimedOut = "accepts connections and does not answer within COMMAND_TIMEOUT";

    public const string CheckTls = "check the TLS settings and certificates of both sides";

    /// <summary>Why a Sentinel gave no usable answer, without the address that the finding names already.</summary>
    public static string Why(SentinelObservation one) => one switch
    {
        SentinelObservation.Unreachable u => Without(u.Endpoint, u.Why),
        SentinelObservation.Unknown { Failure: RedisFailure.TimedOut } => TimedOut,
        SentinelObservation.Unknown u => Without(u.Endpoint, u.Why),
        _ => "",
    };

    /// <summary>Why a Redis gave none.</summary>
    public static string Why(NodeObservation one) => one switch
    {
        NodeObservation.Unreachable u => Without(u.Endpoint, u.Why),
        NodeObservation.Unknown { Failure: RedisFailure.TimedOut } => TimedOut,
        NodeObservation.Unknown u => Without(u.Endpoint, u.Why),
        _ => "",
    };

    /// <summary>A silent address where nobody is missed.</summary>
    public static Fault SpareAddress(string address, string why) => new(
        FindingCodes.AddressSilent, address, $"{why}; every server of the group answers at another address",
        "nothing, if this host has no route to that address family; otherwise remove the address from its name or list");

    /// <summary>Writes an age.</summary>
    public static string Ago(long? seconds) =>
        seconds is { } some ? DurationText.About(TimeSpan.FromSeconds(Math.Clamp(some, 0, int.MaxValue))) + " ago" : "never";

    /// <summary>Formats a size in its largest unit.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        var (size, unit) = ((double)bytes, 0);
        for (; size >= 1024; unit++) size /= 1024;
        return size.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    private static string Without(RedisEndpoint address, string why) =>
        (why.StartsWith($"{address}: ", StringComparison.Ordinal) ? why[($"{address}: ".Length)..] : why).TrimEnd('.');
}
