using Sidecars.Core.Primitives;

namespace Sidecars.Core.Lineage;

/// <summary>The marker on disk. Bootstrap and the failover sidecar may write in the same second: the last one wins whole.</summary>
/// <param name="dataDirectory">The data directory of the server.</param>
public sealed class MarkerStore(string dataDirectory)
{
    /// <summary>Directory of the sidecars below the data directory.</summary>
    public const string DirectoryName = ".sidecar";

    /// <summary>File name of the marker.</summary>
    public const string FileName = "state.json";

    /// <summary>
    /// Largest marker that is read, 256 KiB: 64 entries of at most 0.5 KiB come to 32 KiB, times eight for what newer versions add.
    /// </summary>
    public const int MaxBytes = 256 * 1024;

    private readonly string _directory = Path.Combine(dataDirectory, DirectoryName);

    /// <summary>The marker's path.</summary>
    public string MarkerPath => Path.Combine(_directory, FileName);

    /// <summary>Reads the marker: known, absent, or unreadable with the reason.</summary>
    public DiskFact<Marker> Read() => Read(new DiskFiles());

    /// <summary>
    /// Replaces the marker durably (temporary file, fsync, rename, fsync of the directory), creating the directory where it is missing.
    /// </summary>
    /// <param name="marker">Written in the current format.</param>
    /// <param name="fault">Why not, where the result is false; the old marker is still whole.</param>
    public bool TryWrite(Marker marker, out FileFault fault)
    {
        fault = default;
        try
        {
            Directory.CreateDirectory(_directory);
            AtomicFile.Write(MarkerPath, MarkerDocument.Write(marker));
            return true;
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            fault = FileFault.Of(e);
            return false;
        }
    }

    internal DiskFact<Marker> Read(DiskFiles files) => files.ReadAll(MarkerPath, MaxBytes).Then(bytes => MarkerDocument.Read(bytes));
}
