using System.Collections.Immutable;
using System.Globalization;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Hosting;

/// <summary>One setting, as <c>--help</c> and the README show it.</summary>
/// <param name="Name">The environment variable.</param>
/// <param name="Unit">What a value is: <c>ms</c>, <c>count</c>, <c>path</c>, <c>aof|rdb|none</c> …</param>
/// <param name="Default">The value without it; "" where there is none.</param>
/// <param name="Description">One sentence.</param>
public sealed record SettingHelp(string Name, string Unit, string Default, string Description);

/// <summary>
/// Reads typed settings from the environment (passed in, not read here). Mistakes are collected, not thrown, so that all of
/// them can be shown at once; each names its variable, what it is and what would be right, and never a secret. The same calls
/// make the table that <c>--help</c> prints, so it can't be out of date. An empty variable is the same as none.
/// </summary>
/// <param name="variables">Names and values.</param>
public sealed class SettingReader(IReadOnlyDictionary<string, string> variables)
{
    /// <summary>A secret file is at most this long; more is another file.</summary>
    private const int MaxSecretFileBytes = 64 * 1024;

    private readonly List<string> _errors = [];
    private readonly List<SettingHelp> _help = [];

    /// <summary>All mistakes so far, one sentence each.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>All settings read so far, in order.</summary>
    public IReadOnlyList<SettingHelp> Help => _help;

    /// <summary>Adds a mistake that concerns several settings at once.</summary>
    public void Fail(string message) => _errors.Add(message);

    /// <summary>True where the variable is set and not empty.</summary>
    public bool IsSet(string name) => Raw(name) is not null;

    /// <summary>Text, or <paramref name="fallback"/>.</summary>
    public string? Text(string name, string unit, string? fallback, string description)
    {
        _help.Add(new SettingHelp(name, unit, fallback ?? "", description));
        return Raw(name) ?? fallback;
    }

    /// <summary>Text that <paramref name="accept"/> must accept; <paramref name="right"/> says what it accepts.</summary>
    public string? Text(string name, string unit, string? fallback, string description, Func<string, bool> accept, string right)
    {
        var text = Text(name, unit, fallback, description);
        if (text is null || accept(text)) return text;
        _errors.Add($"{name}: '{text}' is not {right}");
        return fallback;
    }

    /// <summary>A whole number in a range.</summary>
    public int Number(string name, string unit, int fallback, int min, int max, string description)
    {
        _help.Add(new SettingHelp(name, $"{unit}, {min}..{max}", fallback.ToString(CultureInfo.InvariantCulture), description));
        if (Raw(name) is not { } text) return fallback;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max) return value;
        _errors.Add($"{name}: '{text}' is not a whole number from {min} to {max} ({unit})");
        return fallback;
    }

    /// <summary>A duration in whole milliseconds; the name ends in <c>_MS</c>.</summary>
    public TimeSpan Milliseconds(string name, int fallback, int min, int max, string description) =>
        TimeSpan.FromMilliseconds(Number(name, "ms", fallback, min, max, description));

    /// <summary><c>true</c>/<c>false</c>, also <c>1</c>/<c>0</c> and <c>yes</c>/<c>no</c>.</summary>
    public bool Flag(string name, bool fallback, string description)
    {
        _help.Add(new SettingHelp(name, "true|false", fallback ? "true" : "false", description));
        switch (Raw(name)?.ToUpperInvariant())
        {
            case null: return fallback;
            case "TRUE" or "1" or "YES": return true;
            case "FALSE" or "0" or "NO": return false;
            default:
                _errors.Add($"{name}: '{Raw(name)}' is neither true nor false");
                return fallback;
        }
    }

    /// <summary>One of a few words.</summary>
    public T Choice<T>(string name, T fallback, string description, params (string Word, T Value)[] choices)
    {
        var words = string.Join('|', choices.Select(c => c.Word));
        _help.Add(new SettingHelp(name, words, choices.FirstOrDefault(c => Equals(c.Value, fallback)).Word ?? "", description));
        if (Raw(name) is not { } text) return fallback;
        foreach (var (word, value) in choices)
            if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase)) return value;
        _errors.Add($"{name}: '{text}' is none of {words}");
        return fallback;
    }

    /// <summary>A host, or a comma list of <c>host[:port]</c>.</summary>
    public ImmutableArray<RedisEndpoint> Endpoints(string name, int defaultPort, bool required, string description)
    {
        _help.Add(new SettingHelp(name, "host[:port], …", required ? "(required)" : "", description));
        if (Raw(name) is not { } text)
        {
            if (required) _errors.Add($"{name} is not set: it takes a name that resolves to all nodes, or a comma list of host:port");
            return [];
        }

        var result = ImmutableArray.CreateBuilder<RedisEndpoint>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (RedisEndpoint.TryParse(part, defaultPort, out var endpoint)) result.Add(endpoint.Value);
            else _errors.Add($"{name}: '{part}' is not host, host:port or [ipv6]:port with a port from 1 to 65535");
        }

        return result.ToImmutable();
    }

    /// <summary>A file that must exist, or null where the variable is not set.</summary>
    public string? ExistingFile(string name, string description)
    {
        var path = Text(name, "path", null, description);
        if (path is null || File.Exists(path)) return path;
        _errors.Add($"{name}: '{path}' is not an existing file");
        return null;
    }

    /// <summary>A password from <c>NAME</c>, or from the file that <c>NAME_FILE</c> names (one line break at its end is not part of it).</summary>
    public Secret? Password(string name, string description)
    {
        var fileName = name + "_FILE";
        _help.Add(new SettingHelp(name, "secret", "", description));
        _help.Add(new SettingHelp(fileName, "path", "", $"The same from a file; not together with {name}."));
        var (inline, path) = (Raw(name), Raw(fileName));
        if (inline is not null && path is not null)
        {
            _errors.Add($"{name} and {fileName} are both set: one of them is right, and this program does not guess which");
            return null;
        }

        if (path is not null) return FromFile(fileName, path);
        if (inline is null) return null;
        if (Secret.TryParse(System.Text.Encoding.UTF8.GetBytes(inline), out var secret, out var problem)) return secret;
        _errors.Add($"{name} {problem}");
        return null;
    }

    private Secret? FromFile(string fileName, string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[MaxSecretFileBytes];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (Secret.TryParse(bytes.AsSpan(0, length), out var secret, out var problem)) return secret;
            _errors.Add($"{fileName}: the content of '{path}' {problem}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _errors.Add($"{fileName}: '{path}' can't be read: {e.Message}");
        }

        return null;
    }

    private string? Raw(string name) => variables.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}
