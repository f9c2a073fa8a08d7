using System.Buffers;

namespace Sidecars.Core.Configuration;

/// <summary>
/// A redis.conf or sentinel.conf as a list of lines that keeps what it does not understand. Redis reads top to bottom and
/// the last line of a <see cref="ConfigLine.Key"/> wins; <c>save</c> lines add up, and <c>save ""</c> forgets those above.
/// Not safe for concurrent use.
/// </summary>
public sealed class RedisConfigDocument
{
    private readonly List<ConfigLine> _lines;

    private RedisConfigDocument(List<ConfigLine> lines) => _lines = lines;

    /// <summary>All lines in order.</summary>
    public IReadOnlyList<ConfigLine> Lines => _lines;

    /// <summary>Numbers, from 1, of the lines that Redis would refuse to start with; their text may hold a secret.</summary>
    public IReadOnlyList<int> MalformedLines => [.. Enumerable.Range(1, _lines.Count).Where(n => _lines[n - 1].IsMalformed)];

    /// <summary>
    /// Paths or patterns of <c>include</c> lines, in order. <see cref="ConfigLoader"/> puts the files' lines in their place.
    /// </summary>
    public IReadOnlyList<string> Includes => [.. All("include").Select(line => line.Text(0))];

    /// <summary>
    /// The path of the ACL file, relative to <c>dir</c>; null where there is none. Redis refuses it beside <c>user</c> lines.
    /// </summary>
    public string? AclFile => Get("aclfile") is { Length: > 0 } path ? path : null;

    /// <summary>Reads a file; any bytes are accepted (see <see cref="MalformedLines"/>).</summary>
    public static RedisConfigDocument Parse(ReadOnlySpan<byte> text)
    {
        var lines = new List<ConfigLine>();
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            lines.Add(ConfigLine.Parse(end < 0 ? text : text[..end]));
            text = end < 0 ? [] : text[(end + 1)..];
        }

        return new RedisConfigDocument(lines);
    }

    /// <summary>Creates a document of these lines.</summary>
    public static RedisConfigDocument Of(IEnumerable<ConfigLine> lines) => new([.. lines]);

    /// <summary>The first argument of the last line of this name; null where there is none.</summary>
    public string? Get(string name) => All(name).LastOrDefault()?.Text(0);

    /// <summary>Finds the lines of a directive, in order.</summary>
    /// <param name="name">In any case; slave and replica are the same.</param>
    public IEnumerable<ConfigLine> All(string name)
    {
        var canonical = ConfigLine.Canonical(name);
        return _lines.Where(line => line.Name == canonical);
    }

    /// <summary>Whether the directive stands anywhere.</summary>
    public bool Contains(string name) => All(name).Any();

    /// <summary>
    /// Makes this the only line of its key: in the place of the last one, or at the end where there was none or an
    /// <c>include</c> follows, which could overrule it. All <c>save</c> lines are replaced by the one.
    /// </summary>
    /// <returns>True where a line that said something else was replaced.</returns>
    /// <exception cref="ArgumentException">
    /// The directive adds up by nature (<c>include</c>, <c>loadmodule</c>): use <see cref="Append"/>.
    /// </exception>
    public bool Set(string name, params ReadOnlySpan<string> arguments)
    {
        var line = ConfigLine.Of(name, arguments);
        if (line.Name is "include" or "loadmodule") throw new ArgumentException($"{line.Name} lines add up; append one.", nameof(name));
        var last = _lines.FindLastIndex(other => other.Key == line.Key);
        if (last < 0)
        {
            _lines.Add(line);
            return false;
        }

        var before = _lines[last];
        var changes = !before.Raw.Span.Trim(" \t\r"u8).SequenceEqual(line.Raw.Span);
        if (_lines.FindIndex(last, other => other.Name == "include") >= 0) _lines.Add(line);
        else _lines.Insert(last + 1, line);
        _lines.RemoveAll(other => other.Key == line.Key && !ReferenceEquals(other, line));
        return changes;
    }

    /// <summary>Adds a line at the end.</summary>
    public void Append(string name, params ReadOnlySpan<string> arguments) => _lines.Add(ConfigLine.Of(name, arguments));

    /// <summary>
    /// Puts a line before all others unless its key stands already, so that whatever the user wrote, here or in an included
    /// file, comes later and wins.
    /// </summary>
    public void SetDefault(string name, params ReadOnlySpan<string> arguments)
    {
        var line = ConfigLine.Of(name, arguments);
        if (_lines.All(other => other.Key != line.Key)) _lines.Insert(0, line);
    }

    /// <summary>Removes every line of a directive.</summary>
    /// <returns>The number removed.</returns>
    public int Remove(string name)
    {
        var canonical = ConfigLine.Canonical(name);
        return _lines.RemoveAll(line => line.Name == canonical);
    }

    /// <summary>Removes the lines that match.</summary>
    /// <returns>The number removed.</returns>
    public int RemoveWhere(Predicate<ConfigLine> match) => _lines.RemoveAll(match);

    /// <summary>Replaces one line by another in its place.</summary>
    public void Replace(ConfigLine line, ConfigLine by) => _lines[_lines.IndexOf(line)] = by;

    /// <summary>The file: each line as it stood or was written, and a line feed.</summary>
    public byte[] ToBytes()
    {
        var bytes = new ArrayBufferWriter<byte>(4096);
        foreach (var line in _lines)
        {
            bytes.Write(line.Raw.Span);
            bytes.Write("\n"u8);
        }

        return bytes.WrittenSpan.ToArray();
    }
}
