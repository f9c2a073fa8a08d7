using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Backup.Archive;

/// <summary>
/// Keys of one tenant's backups:
/// <code>
/// CLUSTER/uploader.json                        who uploads (compare-and-swap)
/// CLUSTER/GENERATION/base/ID/NAME              a base: base file of the multi-part AOF
/// CLUSTER/GENERATION/base/ID/manifest.json     written last, once: before it there is no backup
/// CLUSTER/GENERATION/base/ID/verified.json     what a drill found
/// CLUSTER/GENERATION/tail/SEQUENCE/SEGMENT     see SegmentName
/// </code>
/// A generation is one unbroken stream of one node. CLUSTER is the id with its slash as a dot.
/// </summary>
/// <param name="cluster">The tenant.</param>
public sealed class BackupLayout(ClusterId cluster)
{
    /// <summary>File name of a manifest.</summary>
    public const string ManifestName = "manifest.json";

    /// <summary>File name of a verification.</summary>
    public const string VerifiedName = "verified.json";

    private const string UploaderName = "uploader.json";

    /// <summary>The tenant.</summary>
    public ClusterId Cluster { get; } = cluster;

    /// <summary>Everything of this tenant, with a slash at its end.</summary>
    public string Root { get; } = cluster.MasterName + "/";

    /// <summary>The uploader's lease.</summary>
    public string Uploader => Root + UploaderName;

    /// <summary>Returns the folder of a generation's bases, with a slash at its end.</summary>
    public string Bases(long generation) => $"{Generation(generation)}base/";

    /// <summary>Returns the folder of one base, with a slash at its end.</summary>
    public string Base(long generation, string id) => $"{Bases(generation)}{id}/";

    /// <summary>Returns the folder of a generation's segments, with a slash at its end.</summary>
    public string Tail(long generation) => $"{Generation(generation)}tail/";

    /// <summary>Returns the folder of one increment file's segments, with a slash at its end.</summary>
    public string Tail(long generation, long sequence) => string.Create(CultureInfo.InvariantCulture, $"{Tail(generation)}{sequence:D10}/");

    /// <summary>Names one segment.</summary>
    public string Segment(long generation, SegmentName name) => Tail(generation) + name;

    /// <summary>Returns the folder of a generation, with a slash at its end.</summary>
    public string Generation(long generation) => string.Create(CultureInfo.InvariantCulture, $"{Root}{generation:D10}/");

    /// <summary>The generation that a folder below <see cref="Root"/> is.</summary>
    public static bool TryGeneration(string folder, out long generation) => SegmentName.TryNumber(folder, 10, out generation);

    /// <summary>
    /// Whether an object with this key is ever written again: the lease and the drill's result are, all else is written once.
    /// </summary>
    public static bool IsReplaced(string key) =>
        key.EndsWith('/' + UploaderName, StringComparison.Ordinal) || key.EndsWith('/' + VerifiedName, StringComparison.Ordinal);

    /// <summary>
    /// The id of a base: when it was begun, and by which session, so that ids sort by time and two uploaders never share one.
    /// </summary>
    public static string BaseId(DateTimeOffset utc, long session) =>
        utc.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture) + "-"
        + session.ToString(CultureInfo.InvariantCulture);

    /// <summary>When a base was begun, by its id.</summary>
    public static bool TryBegun(string id, out DateTimeOffset begun)
    {
        begun = default;
        return IsBaseId(id) && DateTimeOffset.TryParseExact(
            id[..16], "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out begun);
    }

    /// <summary>Whether a text can be a base's id (<see cref="BaseId"/>).</summary>
    public static bool IsBaseId(string text) =>
        text.Length is > 17 and < 40 && text[8] == 'T' && text[15] == 'Z' && text[16] == '-'
        && text.Where((_, i) => i is not (8 or 15 or 16)).All(char.IsAsciiDigit);
}
