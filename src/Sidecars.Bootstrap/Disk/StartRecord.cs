using System.Globalization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Disk;

/// <summary>
/// <c>&lt;data&gt;/.sidecar/starts.json</c>: how often a server was started on these very data files and never came to serve them. Damage
/// in the middle of a file, and a snapshot of a newer version, are seen by the server's loader alone, and bootstrap, which becomes the
/// server, cannot watch it. What cannot be read or written counts as no start: the count only ever decides for caution.
/// </summary>
public sealed class StartRecord(string dataDirectory)
{
    private const int MaxBytes = 1024; // two members
    private readonly string _path = Path.Combine(dataDirectory, MarkerStore.DirectoryName, "starts.json");

    /// <summary>Starts on these files that came to nothing; 0 where a server has served since the last one.</summary>
    public int FailedStarts(DiskFacts facts)
    {
        // redis-bootstrap clears it before each start, and the failover sidecar notes it once the server has loaded.
        if (facts.Marker is { IsKnown: true, Value.RunId: not null }) return 0;
        var read = new DiskFiles().ReadAll(_path, MaxBytes);
        if (!read.IsKnown || !JsonFacts.TryParse(read.Value, out var root, out _)) return 0;
        var (files, starts) = (root.Text("files", MaxBytes), root.Integer("starts"));
        return root.Fault is null && files == Fingerprint(facts) && starts is > 0 and < int.MaxValue ? (int)starts : 0;
    }

    /// <summary>Notes one more start, before it.</summary>
    /// <param name="facts">Read now, with the marker of before this start.</param>
    /// <returns>What went wrong; null where it is noted.</returns>
    public string? Note(DiskFacts facts)
    {
        try
        {
            if (Fingerprint(facts) is not { } files)
            {
                File.Delete(_path);
                return null;
            }

            var starts = FailedStarts(facts) + 1;
            AtomicFile.Write(_path, JsonText.Object(json =>
            {
                json.WriteString("files", files);
                json.WriteNumber("starts", starts);
            }));
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            return null; // no file of ours: nothing to forget
        }
        catch (Exception e) when (FileFault.IsIo(e))
        {
            return e.Message;
        }
    }

    /// <summary>
    /// Number, bytes and last change of the files that a server loads: a server that has served as much as a second has changed one.
    /// </summary>
    private static string? Fingerprint(DiskFacts facts)
    {
        FileStat[] files = [.. facts.AofFiles.Select(f => f.Stat).Concat([facts.ManifestFile, facts.SingleAof, facts.RdbFile])
            .Select(f => f.Value).OfType<FileStat>()];
        return files.Length == 0
            ? null
            : string.Create(CultureInfo.InvariantCulture,
                $"{files.Length} files, {files.Sum(f => f.Length)} bytes, changed {files.Max(f => f.ChangedTicks)}");
    }
}
