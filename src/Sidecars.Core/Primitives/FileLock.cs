namespace Sidecars.Core.Primitives;

/// <summary>
/// A lock for the time of one change: of all threads and processes that take it, one has it until it is disposed or its process ends. The
/// kernel's <c>flock(2)</c> on a file of its own, as earlier versions hold it. <see cref="ProcessLock"/> is the other kind: it lives over
/// <c>execve</c>, says whether its holder lives, and excludes no thread of its own process.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes it; the file is created where it is missing.</summary>
    /// <param name="path">The lock's own file; its directory must exist.</param>
    /// <param name="tries">How often one that is held is tried, with a yield in between; 1: once.</param>
    /// <exception cref="IOException">Another has it, or the file can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">No right to open it.</exception>
    public static FileLock Take(string path, int tries = 1)
    {
        for (var left = tries; ; left--)
        {
            try
            {
                return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
            }
            catch (IOException) when (left > 1)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Gives it up.</summary>
    public void Dispose() => _file.Dispose();
}
