namespace Sidecars.Fuzz;

/// <summary>A target that touches the disk: fewer inputs in the same time.</summary>
public interface ISlowFuzzTarget : IFuzzTarget;

/// <summary>How many inputs a target gets.</summary>
public static class FuzzTargetExtensions
{
    /// <summary>A slow target gets one input where others get this many: files cost about as much.</summary>
    public const int SlowFactor = 100;

    /// <summary>It touches the disk.</summary>
    public static bool IsSlow(this IFuzzTarget target) => target is ISlowFuzzTarget;
}
