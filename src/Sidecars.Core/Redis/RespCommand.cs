using System.Buffers;
using System.Text;

namespace Sidecars.Core.Redis;

/// <summary>One command: its words, of any bytes. Immutable as long as nobody writes to the memory it was made of.</summary>
public sealed class RespCommand
{
    private const int ShownWordBytes = 64;
    private const int ShownWords = 8;
    private readonly ReadOnlyMemory<byte>[] _words;

    private RespCommand(ReadOnlyMemory<byte>[] words)
    {
        if (words.Length == 0 || words[0].IsEmpty) throw new ArgumentException("A command has a name.", nameof(words));
        _words = words;
        Name = Encoding.UTF8.GetString(words[0].Span).ToUpperInvariant();
    }

    /// <summary>The first word in upper case.</summary>
    public string Name { get; }

    /// <summary>All words, the name first.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Words => _words;

    /// <summary>Creates a command of text, sent as UTF-8.</summary>
    /// <exception cref="ArgumentException">No word, or an empty name.</exception>
    public static RespCommand Of(params string[] words) =>
        new(Array.ConvertAll(words, word => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(word)));

    /// <summary>Creates a command of bytes.</summary>
    /// <exception cref="ArgumentException">No word, or an empty name.</exception>
    public static RespCommand Of(params ReadOnlyMemory<byte>[] words) => new([.. words]);

    /// <summary>Writes the command as it is sent: an array of bulk strings.</summary>
    public void WriteTo(IBufferWriter<byte> output)
    {
        RespWriter.WriteArrayHeader(output, _words.Length);
        foreach (var word in _words) RespWriter.WriteBulk(output, word.Span);
    }

    /// <summary>
    /// For messages: words shortened, what is not printable ASCII as a dot. Arguments of commands that can hold a password
    /// (AUTH, HELLO, ACL, CONFIG SET, SENTINEL SET, SENTINEL CONFIG SET, MIGRATE) are never shown.
    /// </summary>
    public override string ToString()
    {
        if (HoldsSecrets()) return _words.Length == 1 ? Name : $"{Name} ({_words.Length - 1} arguments hidden)";
        var text = new StringBuilder(Name);
        foreach (var word in _words.AsSpan(1, Math.Min(_words.Length, ShownWords) - 1))
        {
            text.Append(' ');
            foreach (var octet in word.Span[..Math.Min(word.Length, ShownWordBytes)])
                text.Append(octet is > 0x20 and < 0x7f ? (char)octet : '.');
            if (word.Length > ShownWordBytes) text.Append('…');
        }

        return _words.Length > ShownWords ? text.Append(" …").ToString() : text.ToString();
    }

    private bool HoldsSecrets() => Name switch
    {
        "AUTH" or "HELLO" or "ACL" or "MIGRATE" => true,
        "CONFIG" => Is(1, "SET"),
        "SENTINEL" => Is(1, "SET") || (Is(1, "CONFIG") && Is(2, "SET")),
        _ => false,
    };

    private bool Is(int index, string word) =>
        index < _words.Length && Ascii.EqualsIgnoreCase(_words[index].Span, word);
}
