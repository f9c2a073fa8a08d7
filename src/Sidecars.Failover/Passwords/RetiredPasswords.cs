using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Failover.Passwords;

/// <summary>
/// SHA-256 of passwords that the files held once: only these are ever taken away from a user, since the default user may have others
/// from the base file, and a sidecar whose Secret is late must not take away a newer one. Kept in a file, if one is given, as long as
/// the pod lives: the file beside it (redis.conf) holds passwords in clear, and a new pod's Redis knows no old one. Not safe for concurrent use.
/// </summary>
public sealed class RetiredPasswords
{
    private const int Most = 64; // five secrets, a dozen rotations in the life of a pod; the oldest are forgotten

    private readonly string? _path;
    private readonly bool _isReadOnly;
    private readonly List<string> _hashes = [];

    /// <param name="path">Where they are kept; null: nowhere.</param>
    /// <param name="isReadOnly">True: what is added is kept in memory alone.</param>
    public RetiredPasswords(string? path, bool isReadOnly = false)
    {
        (_path, _isReadOnly) = (path, isReadOnly);
        if (path is null || !File.Exists(path)) return;
        try
        {
            var text = Encoding.ASCII.GetString(BoundedFile.Read(path, Most * 65));
            _hashes.AddRange(text.Split('\n').Where(AclUserReply.IsHash).Distinct());
        }
        catch (IOException)
        {
            // Without it, passwords retired before this start are not removed from the servers; nothing else depends on it.
        }
    }

    /// <summary>Whether the files held it once.</summary>
    public bool Contains(string sha256) => _hashes.Contains(sha256);

    /// <summary>Remembers passwords.</summary>
    /// <exception cref="IOException">The file can't be written; they are remembered by this process alone.</exception>
    public void Add(IEnumerable<Secret> secrets)
    {
        var news = secrets.Select(s => s.Sha256Hex).Except(_hashes).ToList();
        if (news.Count == 0) return;
        _hashes.AddRange(news);
        if (_hashes.Count > Most) _hashes.RemoveRange(0, _hashes.Count - Most);
        if (_path is not null && !_isReadOnly) AtomicFile.Write(_path, Encoding.ASCII.GetBytes(string.Join('\n', _hashes) + "\n"), AtomicFile.OwnerOnly, durable: false);
    }
}
