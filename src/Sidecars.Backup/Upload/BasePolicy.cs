namespace Sidecars.Backup.Upload;

/// <summary>Whether a base is due before its time. Pure.</summary>
public static class BasePolicy
{
    /// <summary>
    /// A restore replays the tail, which takes longer than to load a base. Without a rewrite the base would be the last one's once more.
    /// </summary>
    /// <param name="baseBytes">Of the last base.</param>
    /// <param name="tailBytes">Since its start.</param>
    /// <param name="sinceLast">Since it was completed.</param>
    /// <param name="options">The bounds.</param>
    public static bool IsOutgrown(long baseBytes, long tailBytes, TimeSpan sinceLast, UploaderOptions options) =>
        options is { Rewrite: true, BaseTailFactor: > 0 }
        && tailBytes > options.BaseTailBytes && tailBytes / options.BaseTailFactor > baseBytes && sinceLast >= options.BaseLeast;
}
