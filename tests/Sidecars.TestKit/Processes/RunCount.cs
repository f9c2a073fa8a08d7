using System.Globalization;

namespace Sidecars.TestKit.Processes;

/// <summary>How often a randomised or racy scenario runs.</summary>
public static class RunCount
{
    /// <summary>True with <c>SIDECARS_SOAK=1</c>.</summary>
    public static bool Soak => Environment.GetEnvironmentVariable("SIDECARS_SOAK") == "1";

    /// <summary><paramref name="soak"/> with <c>SIDECARS_SOAK=1</c>; else as <c>SIDECARS_SEEDS</c> says.</summary>
    /// <param name="soak">Enough for a figure in the documentation.</param>
    /// <param name="usual">Where <c>SIDECARS_SEEDS</c> is not set.</param>
    public static int Of(int soak, int usual = 2)
    {
        if (Soak) return soak;
        var wanted = Environment.GetEnvironmentVariable("SIDECARS_SEEDS");
        return int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : usual;
    }
}
