using System.Text;
using Sidecars.Core.Configuration;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Group;

/// <summary>
/// SHA-256 of passwords that the files held once: only these are ever taken away from a user, since the default user may have others
/// from the base file, and a sidecar whose Secret is late must not take away a newer one. Kept in a file, if one is given, as long as
/// the pod lives: the file beside it (redis.conf) holds passwords in clear, and a new pod's Redis knows no old one. Whoever reads the files
/// for a server adds to it: redis-bootstrap may have started that with a password that is gone from the Secret before the sidecar reads it
/// first. Not safe for concurrent use.
/// </summary>
public sealed class RetiredPasswords
{
    /// <summary>Its name in CONFIG_DIR.</summary>
    public const string FileName = "retired-passwords";

    private const int HashLength = 64;
    private const int Most = 64; // five secrets, a dozen rotations in the life of a pod; the oldest are forgotten

    private readonly string? _path;
    private readonly bool _isReadOnly;
    private readonly List<string> _hashes = [];

    /// <param name="path">Where they are kept; null: nowhere.</param>
    /// <param name="isReadOnly">True: what is added is kept in memory alone.</param>
    public RetiredPasswords(string? path, bool isReadOnly = false)
    {
        (_path, _isReadOnly) = (path, isReadOnly);
        Refresh();
    }

    /// <summary>Returns true for a SHA-256 as servers list it.</summary>
    public static bool IsHash(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == HashLength && text.All(char.IsAsciiHexDigitLower);
    }

    /// <summary>Whether the files held it once.</summary>
    public bool Contains(string sha256) => _hashes.Contains(sha256);

    /// <summary>Takes in what others have added to the file.</summary>
    public void Refresh()
    {
        if (_path is null || !File.Exists(_path)) return;
        try
        {
            var text = Encoding.ASCII.GetString(BoundedFile.Read(_path, Most * (HashLength + 1)));
            Keep([.. text.Split('\n').Where(IsHash).Distinct().Except(_hashes)]);
        }
        catch (IOException)
        {
            // Without it, passwords retired before this start are not removed from the servers; nothing else depends on it.
        }
    }

    /// <summary>Remembers passwords that the files hold: their own age comes first while they do.</summary>
    /// <exception cref="IOException">The file can't be written; they are remembered by this process alone.</exception>
    public void Add(IEnumerable<GroupSecret> secrets)
    {
        Refresh();
        var held = secrets.SelectMany(secret => (Secret?[])[secret.Previous, secret.Current]).OfType<Secret>();
        var news = held.Select(secret => secret.Sha256Hex).Distinct().Except(_hashes).ToList();
        if (news.Count == 0) return;
        Keep(news);
        if (_path is not null && !_isReadOnly)
            AtomicFile.Write(_path, Encoding.ASCII.GetBytes(string.Join('\n', _hashes) + "\n"), AtomicFile.OwnerOnly, durable: false);
    }

    private void Keep(List<string> news)
    {
        _hashes.AddRange(news);
        if (_hashes.Count > Most) _hashes.RemoveRange(0, _hashes.Count - Most);
    }
}
