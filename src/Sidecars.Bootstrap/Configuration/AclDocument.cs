using System.Text;
using Sidecars.Core.Configuration;

namespace Sidecars.Bootstrap.Configuration;

/// <summary>
/// Users of a server, from <c>user</c> lines of its configuration or from an ACL file, with those of the group merged in.
/// An ACL file is no configuration file: 7.0 splits it at single spaces and knows no quotes, so its lines are taken over as
/// they are and only words that need no quoting are added.
/// </summary>
internal static class AclDocument
{
    private static readonly string[] EverythingAllowed = ["~*", "&*", "+@all"];

    /// <summary>
    /// The base ACL file with the group's users in it. Without a line for the default user Redis opens it to all, whatever
    /// <c>requirepass</c> says (tested with 7.0.15), so that a known password always gets one.
    /// </summary>
    public static byte[] Merge(ReadOnlySpan<byte> baseFile, IReadOnlyList<IReadOnlyList<string>> users, GroupSecret? defaultSecret)
    {
        var ours = users.Select(words => words[0]).ToHashSet(StringComparer.Ordinal);
        var text = new StringBuilder();
        var hasDefault = false;
        // Latin-1 carries any byte there and back.
        foreach (var raw in Encoding.Latin1.GetString(baseFile).Split('\n'))
        {
            var line = raw.TrimEnd('\r', ' ', '\t');
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || (words.Length > 1 && words[0] == "user" && ours.Contains(words[1]))) continue;
            text.Append(line);
            if (words.Length > 1 && words[0] == "user" && words[1] == "default")
            {
                hasDefault = true;
                if (defaultSecret is not null) text.Append(' ').AppendJoin(' ', GroupLogin.Passwords(defaultSecret));
            }

            text.Append('\n');
        }

        if (!hasDefault && defaultSecret is not null)
            text.Append("user default on ").AppendJoin(' ', GroupLogin.Passwords(defaultSecret)).Append(' ')
                .AppendJoin(' ', EverythingAllowed).Append('\n');
        foreach (var words in users) text.Append("user ").AppendJoin(' ', words).Append('\n');
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    /// <summary>
    /// Adds the group's users, and the default user's passwords to its line, which keeps its rules; without one it may do all.
    /// </summary>
    public static void Merge(RedisConfigDocument document, IReadOnlyList<IReadOnlyList<string>> users, GroupSecret? defaultSecret)
    {
        if (defaultSecret is not null)
        {
            var passwords = GroupLogin.Passwords(defaultSecret);
            if (DefaultLine(document) is { } line)
                document.Replace(line,
                    ConfigLine.Parse([.. line.Raw.Span.TrimEnd(" \t\r"u8), .. Encoding.ASCII.GetBytes(" " + string.Join(' ', passwords))]));
            else
                document.Set("user", ["default", "on", .. passwords, .. EverythingAllowed]);
        }

        foreach (var words in users) document.Set("user", [.. words]);
    }

    /// <summary>
    /// Takes a right from every user but the group's, the default user included. Where that has no line, it gets one, unless
    /// <c>requirepass</c> protects it: a line would open it again.
    /// </summary>
    public static void Deny(RedisConfigDocument document, IReadOnlyList<IReadOnlyList<string>> users, string rule)
    {
        var ours = users.Select(words => words[0]).ToHashSet(StringComparer.Ordinal);
        if (DefaultLine(document) is null && document.Get("requirepass") is null or "")
            document.Set("user", ["default", "on", "nopass", .. EverythingAllowed]);
        foreach (var line in document.All("user").Where(line => !ours.Contains(line.Text(0))).ToList())
            document.Replace(line, ConfigLine.Parse([.. line.Raw.Span.TrimEnd(" \t\r"u8), .. Encoding.ASCII.GetBytes(" " + rule)]));
    }

    /// <summary>The default user's rules in a configuration; null where it has no line.</summary>
    public static IEnumerable<string>? DefaultRules(RedisConfigDocument document) =>
        DefaultLine(document) is { } line ? Enumerable.Range(1, line.Count - 1).Select(line.Text) : null;

    /// <summary>
    /// Whether the default user asks for a password (or is off) by the words of its rules; false without a rule that says so.
    /// </summary>
    public static bool IsProtected(IEnumerable<string> rules)
    {
        var (open, on) = (false, false);
        foreach (var rule in rules)
            (open, on) = rule.ToLowerInvariant() switch
            {
                "nopass" => (true, on),
                "resetpass" => (false, on),
                "reset" => (false, false),
                "on" => (open, true),
                "off" => (open, false),
                _ when rule[0] is '>' or '#' => (false, on),
                _ => (open, on),
            };
        return !(open && on);
    }

    /// <summary>The default user's rules in an ACL file; null where it has no line.</summary>
    public static IEnumerable<string>? DefaultRules(ReadOnlySpan<byte> aclFile) =>
        Encoding.Latin1.GetString(aclFile).Split('\n')
            .Select(line => line.Split([' ', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .LastOrDefault(words => words.Length > 1 && words[0] == "user" && words[1] == "default")?.Skip(2);

    private static ConfigLine? DefaultLine(RedisConfigDocument document) =>
        document.All("user").LastOrDefault(line => line.Text(0) == "default");
}
