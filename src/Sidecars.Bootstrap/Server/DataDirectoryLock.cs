using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Server;

/// <summary>
/// That one server at a time has a data directory: a <see cref="ProcessLock"/> on <c>&lt;data&gt;/.sidecar/lock</c>, which the server
/// inherits over <c>execve</c>, so that the kernel gives it up when the server ends, however it ends. Its children that save do not
/// hold it. Nothing else may open the file.
/// </summary>
public sealed class DataDirectoryLock : IDisposable
{
    /// <summary>File name, in <see cref="MarkerStore.DirectoryName"/>.</summary>
    public const string FileName = "lock";

    private readonly ProcessLock _lock;

    private DataDirectoryLock(ProcessLock held) => _lock = held;

    /// <summary>To be handed on.</summary>
    public int Descriptor => _lock.Descriptor;

    /// <summary>Takes it; null where another process has it.</summary>
    /// <param name="dataDirectory">Must be there.</param>
    /// <exception cref="IOException">The file can't be opened, or this file system has no locks.</exception>
    public static DataDirectoryLock? TryTake(string dataDirectory)
    {
        ProcessLock? file = null;
        try
        {
            Directory.CreateDirectory(Path.Combine(dataDirectory, MarkerStore.DirectoryName));
            file = ProcessLock.Open(Path.Combine(dataDirectory, MarkerStore.DirectoryName, FileName));
            if (!file.TryAcquire()) return null;
            var taken = new DataDirectoryLock(file);
            file = null;
            return taken;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Gives it up.</summary>
    public void Dispose() => _lock.Dispose();
}
