using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.HandOver;

/// <summary>
/// One coordinator a server: a lock of the kernel on a file in its data directory, given up however the process ends. So a lock that
/// is free says that whatever a coordinator left here was left for good.
/// </summary>
public sealed class StepDownLock : IDisposable
{
    private const string FileName = "step-down.lock";
    private readonly ProcessLock _lock;

    private StepDownLock(ProcessLock held) => _lock = held;

    /// <summary>Takes it; null, with the reason, where another process has it or the directory can't be written.</summary>
    /// <param name="dataDirectory">The server's.</param>
    /// <param name="why">In words.</param>
    public static StepDownLock? TryTake(string dataDirectory, out string why)
    {
        try
        {
            Directory.CreateDirectory(Path.Combine(dataDirectory, MarkerStore.DirectoryName));
            var opened = ProcessLock.Open(PathIn(dataDirectory));
            if (opened.TryAcquire())
            {
                why = "";
                return new StepDownLock(opened);
            }

            opened.Dispose();
            why = $"another step-down runs here: {PathIn(dataDirectory)} is locked";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = $"{PathIn(dataDirectory)} can't be locked: {e.Message}";
        }

        return null;
    }

    /// <summary>
    /// Whether another process hands over here; null: it can't be told. Must not be asked by a process that holds the lock.
    /// </summary>
    public static bool? IsHeldByAnother(string dataDirectory)
    {
        if (!File.Exists(PathIn(dataDirectory))) return false;
        try
        {
            using var opened = ProcessLock.Open(PathIn(dataDirectory));
            return opened.IsHeldByAnother();
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Gives it up.</summary>
    public void Dispose() => _lock.Dispose();

    private static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, MarkerStore.DirectoryName, FileName);
}
