using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>Names the loops that a test lets wait for a virtual day; every loop of the product is in one.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class QuietDayOfAttribute(params Type[] loops) : Attribute
{
    public IReadOnlyList<Type> Loops => loops;
}

/// <summary>Tests that measure memory: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class QuietDays
{
    public const string Name = "quiet days";
}

/// <summary>A virtual day in which nothing happens.</summary>
internal static class QuietDay
{
    public static readonly TimeSpan Length = TimeSpan.FromHours(24);

    // In the first hour caches and pools fill. Two million bytes in the other 23 are 24 a second: less than one waiter that stays, and
    // more than what a rig notes (a moment for each marker and request).
    private const int Parts = 24;
    private const long Flat = 2_000_000;

    /// <summary>
    /// Lets a day pass: at each step all sleep again as <paramref name="isIdle"/> says (timers and waiters do not become more), and after
    /// its first hour memory does not grow.
    /// </summary>
    /// <param name="time">Its clock.</param>
    /// <param name="isIdle">Everybody holds the one timer that it should, and everybody who waits for a signal is registered once.</param>
    /// <param name="output">Takes the figures.</param>
    /// <param name="hours">24, or fewer where a day takes minutes of this machine and is for SIDECARS_SOAK=1.</param>
    public static void Pass(VirtualTime time, Func<bool> isIdle, ITestOutputHelper output, int hours = 24)
    {
        var day = TimeSpan.FromHours(hours);
        var ends = time.Now + day;
        time.Run(day / Parts, isIdle);
        var (before, began) = (GC.GetTotalMemory(forceFullCollection: true), TimeProvider.System.GetTimestamp());
        time.Run(ends - time.Now, isIdle);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{hours} h, all but the first {day.TotalMinutes / Parts:0} min: {grown / 1e6:F2} MB, "
            + $"{TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s of this machine");
        Assert.True(grown < Flat, $"{grown} bytes more at the end of the day");
    }
}
