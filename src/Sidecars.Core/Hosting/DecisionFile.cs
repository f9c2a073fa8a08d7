using System.Runtime.CompilerServices;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Hosting;

/// <summary>
/// Keeps the newest decisions of one executable with their snapshots, for <c>redis-failover status --explain</c>: a file, and the one
/// before it, in a folder that outlives the container (<c>CONFIG_DIR</c>). One object a line, appended; not synced: it explains, and
/// nothing is decided on it.
/// </summary>
/// <param name="folder">Where it is; never created here.</param>
/// <param name="component">The executable, which alone writes it.</param>
public sealed class DecisionFile(string folder, string component) : IDisposable
{
    /// <summary>
    /// Of one file; twice as much is kept at most. Each executable of a pod has two, in a volume of 4 MiB that also holds the server's
    /// configuration. A snapshot of three nodes has some 5 KiB, one of 31 nodes and 31 Sentinels 300.
    /// </summary>
    public const int MaxBytes = 512 * 1024;

    private const string Extension = ".decisions";
    private const string Older = ".1";

    private readonly string _path = Path.Combine(folder, component + Extension);
    private FileStream? _file;
    private string _told = "";

    /// <summary>Told why nothing can be kept, when that begins or changes.</summary>
    public Action<string>? Failed { get; set; }

    /// <summary>
    /// Lines that have been kept, oldest first: of every executable where <paramref name="path"/> is a folder, of one file where it is one
    /// (also a log that has snapshots), of standard input where it is <c>-</c>.
    /// </summary>
    public static async IAsyncEnumerable<string> ReadAsync(string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var newest = Directory.Exists(path) ? Directory.EnumerateFiles(path, "*" + Extension).Order(StringComparer.Ordinal) : null;
        string[] files = newest is null ? [path] : [.. newest.SelectMany(file => (string[])[file + Older, file]).Where(File.Exists)];
        foreach (var file in files)
        {
            using var reader = file == "-" ? new StreamReader(Console.OpenStandardInput()) : new StreamReader(file);
            while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line) yield return line;
        }
    }

    /// <summary>Appends a line.</summary>
    /// <exception cref="IOException">It can't be; the next one is tried anew.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not; the next one is tried anew.</exception>
    public void Append(ReadOnlySpan<byte> line)
    {
        try
        {
            if (line.Length > MaxBytes)
                throw new IOException($"a decision of {line.Length} bytes is larger than the {MaxBytes} of the file");
            _file ??= OpenLast();
            if (_file.Length + line.Length > MaxBytes)
            {
                Dispose();
                File.Move(_path, _path + Older, overwrite: true);
                _file = OpenLast();
            }

            _file.Write(line);
            _told = "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            if (_told != e.Message) Failed?.Invoke(_told = e.Message);
            throw;
        }
    }

    /// <summary>Closes the file; a later line opens it again.</summary>
    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }

    // What an earlier process left is added to: a container that starts again and again keeps the first reason for some time.
    private FileStream OpenLast()
    {
        var file = new FileStream(_path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
#pragma warning disable CA1416 // the executables run on Linux only
            UnixCreateMode = AtomicFile.ReadableByAll, // status may be asked in another container
#pragma warning restore CA1416
        });
        if (file.Length == 0) return file;
        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != '\n') file.Write("\n"u8); // that process was killed in the middle of a line
        return file;
    }
}
