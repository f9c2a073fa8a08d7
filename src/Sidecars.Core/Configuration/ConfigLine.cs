using System.Text;

namespace Sidecars.Core.Configuration;

/// <summary>One line of a configuration file: exactly the bytes that stood there, and what Redis reads in them.</summary>
public sealed class ConfigLine
{
    private readonly IReadOnlyList<byte[]> _words;

    private ConfigLine(byte[] raw, IReadOnlyList<byte[]> words, bool malformed)
    {
        Raw = raw;
        _words = words;
        IsMalformed = malformed;
        Name = words.Count == 0 ? "" : Canonical(Encoding.UTF8.GetString(words[0]));
        Key = KeyOf(Name, words);
    }

    /// <summary>The line as it stood, without its line feed.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>
    /// The directive in lower case, with Redis' older word slave read as replica; "" for comments, blank and malformed lines.
    /// </summary>
    public string Name { get; }

    /// <summary>
    /// What a later line must share to take this one's place: the name, and for directives that stand once per thing
    /// (<c>user</c>, <c>rename-command</c>, <c>client-output-buffer-limit</c>, <c>sentinel …</c>) the thing too.
    /// </summary>
    public string Key { get; }

    /// <summary>True where Redis would refuse to start: unbalanced quotes or a NUL byte.</summary>
    public bool IsMalformed { get; }

    /// <summary>The number of arguments after the name.</summary>
    public int Count => Math.Max(0, _words.Count - 1);

    /// <summary>Returns the argument's bytes.</summary>
    /// <param name="index">0 is the first after the name.</param>
    public ReadOnlyMemory<byte> Bytes(int index) => _words[index + 1];

    /// <summary>The argument read as UTF-8 (bad bytes replaced); "" where there is none.</summary>
    /// <param name="index">0 is the first after the name.</param>
    public string Text(int index) => index < Count ? Encoding.UTF8.GetString(_words[index + 1]) : "";

    /// <summary>Reads a line.</summary>
    public static ConfigLine Parse(ReadOnlySpan<byte> raw)
    {
        var trimmed = raw.Trim(" \t\r\n"u8);
        if (trimmed.IsEmpty || trimmed[0] == '#') return new ConfigLine(raw.ToArray(), [], malformed: false);
        var ok = ConfigText.TrySplit(trimmed, out var words);
        return new ConfigLine(raw.ToArray(), words, !ok);
    }

    /// <summary>
    /// Writes a line from words; arguments are quoted where they need it, so that none can end the line or begin another.
    /// </summary>
    /// <param name="name">The directive.</param>
    /// <param name="arguments">Its arguments, written as UTF-8.</param>
    public static ConfigLine Of(string name, params ReadOnlySpan<string> arguments)
    {
        var line = new StringBuilder(name);
        foreach (var argument in arguments) line.Append(' ').Append(ConfigText.Quote(Encoding.UTF8.GetBytes(argument)));
        return Parse(Encoding.ASCII.GetBytes(line.ToString()));
    }

    /// <summary>The directive and the number of arguments: values may be secrets.</summary>
    public override string ToString() => Name.Length == 0 ? "(no directive)" : $"{Name} ({Count} arguments)";

    /// <summary>Lower case, and <c>slave</c> as <c>replica</c>: Redis reads both (the aliases of config.c).</summary>
    internal static string Canonical(string name) =>
        name.ToLowerInvariant().Replace("slave", "replica", StringComparison.Ordinal);

    private static string KeyOf(string name, IReadOnlyList<byte[]> words)
    {
        string Word(int index) => index < words.Count ? Encoding.UTF8.GetString(words[index]) : "";
        return name switch
        {
            "user" => $"user {Word(1)}",
            "rename-command" => $"rename-command {Word(1).ToLowerInvariant()}",
            "client-output-buffer-limit" => $"client-output-buffer-limit {Canonical(Word(1))}",
            "sentinel" => SentinelKey(Canonical(Word(1)), Word),
            _ => name,
        };
    }

    // sentinelHandleConfiguration in sentinel.c: global statements, those of one master, and those that repeat for one master.
    private static string SentinelKey(string statement, Func<int, string> word) => statement switch
    {
        "myid" or "current-epoch" or "announce-ip" or "announce-port" or "announce-hostnames" or "resolve-hostnames"
            or "deny-scripts-reconfig" or "sentinel-user" or "sentinel-pass" => $"sentinel {statement}",
        "known-replica" or "known-sentinel" => $"sentinel {statement} {word(2)} {word(3)} {word(4)}",
        "rename-command" => $"sentinel {statement} {word(2)} {word(3).ToLowerInvariant()}",
        _ => $"sentinel {statement} {word(2)}",
    };
}
