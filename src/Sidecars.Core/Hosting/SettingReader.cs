using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Hosting;

/// <summary>One setting as <c>--help</c> lists it.</summary>
/// <param name="Name">The variable.</param>
/// <param name="Kind">What it takes: unit, range or choices.</param>
/// <param name="Default">Shown as it would be written; null where it must be set or has none.</param>
/// <param name="Description">One sentence.</param>
/// <param name="IsRequired">Whether a missing one is an error.</param>
public sealed record SettingDescription(string Name, string Kind, string? Default, string Description, bool IsRequired)
{
    /// <summary>The heading that it stands under.</summary>
    public string Section { get; init; } = "";
}

/// <summary>
/// Reads typed settings from variables, collecting every mistake instead of stopping at the first, and remembers what it
/// was asked for, so that <c>--help</c> and the reader cannot differ. A variable that is empty counts as not set; variables
/// that nobody asks for are no mistake. After a mistake the default is returned: check <see cref="Errors"/> before use.
/// </summary>
/// <param name="variables">The environment, read by an <c>*Options.cs</c>.</param>
/// <param name="readFile">Content of a file of at most the given bytes, or <see cref="IOException"/>; default: the file system.</param>
public sealed class SettingReader(IReadOnlyDictionary<string, string> variables, Func<string, int, byte[]>? readFile = null)
{
    private readonly Func<string, int, byte[]> _readFile = readFile ?? BoundedFile.Read;
    private readonly List<string> _errors = [];
    private readonly List<string> _remarks = [];
    private readonly List<SettingDescription> _settings = [];
    private string _section = "";

    /// <summary>Every mistake, each naming its variable, what it is and what would be right; never a secret.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>What a person should know of settings that are no mistakes, each in one line that names its variable.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>Every setting asked for, in order.</summary>
    public IReadOnlyList<SettingDescription> Settings => _settings;

    /// <summary>Begins a section: what is asked for from here on stands under this heading.</summary>
    public void Section(string heading) => _section = heading;

    /// <summary>Text; null where it is not set.</summary>
    public string? OptionalText(string name, string description) => Take(name, "text", null, description, required: false);

    /// <summary>Reads text, with a default.</summary>
    public string Text(string name, string defaultValue, string description) =>
        Take(name, "text", defaultValue, description, required: false) ?? defaultValue;

    /// <summary>Text that must be set; "" after the mistake.</summary>
    public string RequiredText(string name, string description) => Take(name, "text", null, description, required: true) ?? "";

    /// <summary>Reads a whole number in a range.</summary>
    public int Integer(string name, int defaultValue, int min, int max, string description)
    {
        var text = Take(name, $"{min}..{max}", Number(defaultValue), description, required: false);
        return text is null ? defaultValue : ParseInteger(name, text, min, max) ?? defaultValue;
    }

    /// <summary>
    /// Reads a port. Kubernetes and Docker set <c>NAME_PORT=tcp://address:port</c> in every container for each Service or link called
    /// <c>name</c>: see <see cref="ServiceLink"/>.
    /// </summary>
    /// <param name="name">The variable.</param>
    /// <param name="defaultValue">Where it is not set.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="min">0 where that turns something off.</param>
    /// <param name="isRemote">
    /// True for the port of other nodes, which a link to their Service tells; a port of this process it does not.
    /// </param>
    public int Port(string name, int defaultValue, string description, int min = 1, bool isRemote = false)
    {
        var text = Take(name, $"{Number(min)}..65535", Number(defaultValue), description, required: false);
        if (text is null) return defaultValue;
        if (!ServiceLink.TryPort(text, out var linked)) return ParseInteger(name, text, min, 65535) ?? defaultValue;
        if (isRemote) return linked;
        _remarks.Add(ServiceLink.Ignored(name, Shown(text), defaultValue));
        return defaultValue;
    }

    /// <summary>A whole number in a range; null where it is not set.</summary>
    public int? OptionalInteger(string name, int min, int max, string description) =>
        Take(name, $"{min}..{max}", null, description, required: false) is { } text ? ParseInteger(name, text, min, max) : null;

    /// <summary>Reads a duration in a range; see <see cref="DurationSetting"/>.</summary>
    public TimeSpan Duration(string name, string former, TimeSpan defaultValue, TimeSpan min, TimeSpan max, string description) =>
        TakeDuration(new DurationSetting(name, former, min, max), name, DurationText.Of(defaultValue), description) ?? defaultValue;

    /// <summary>A duration in a range; null where it is not set.</summary>
    public TimeSpan? OptionalDuration(string name, string former, TimeSpan min, TimeSpan max, string description) =>
        TakeDuration(new DurationSetting(name, former, min, max), name, null, description);

    /// <summary>Reads <c>true</c> or <c>false</c> (also yes/no, on/off, 1/0).</summary>
    public bool Flag(string name, bool defaultValue, string description)
    {
        var text = Take(name, "true or false", defaultValue ? "true" : "false", description, required: false);
        return text?.ToLowerInvariant() switch
        {
            null => defaultValue,
            "true" or "yes" or "on" or "1" => true,
            "false" or "no" or "off" or "0" => false,
            _ => Wrong(name, text, "true or false", defaultValue),
        };
    }

    /// <summary>One of the names of an enumeration, in any case.</summary>
    public T Choice<T>(string name, T defaultValue, string description)
        where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(n => n.ToLowerInvariant()).ToArray();
        var text = Take(name, string.Join('|', names), defaultValue.ToString().ToLowerInvariant(), description, required: false);
        if (text is null) return defaultValue;
        // Enum.TryParse alone would also take numbers and lists.
        return names.Contains(text.ToLowerInvariant()) && Enum.TryParse<T>(text, ignoreCase: true, out var value)
            ? value
            : Wrong(name, text, "one of " + string.Join(", ", names) + Suggestion.For(text, names), defaultValue);
    }

    /// <summary><c>host</c> or <c>host:port</c>; null where it is not set.</summary>
    public RedisEndpoint? OptionalEndpoint(string name, int defaultPort, string description) =>
        Take(name, "host[:port]", null, description, required: false) is { } text ? ParseEndpoint(name, text, defaultPort) : null;

    /// <summary><c>host[:port]</c>, separated by commas or white space, without repetition; empty where it is not set.</summary>
    public IReadOnlyList<RedisEndpoint> Endpoints(string name, int defaultPort, string description)
    {
        var text = Take(name, "host[:port],…", null, description, required: false);
        if (text is null) return [];
        return [.. text.Split([',', ' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .Select(part => ParseEndpoint(name, part, defaultPort)).OfType<RedisEndpoint>().Distinct()];
    }

    /// <summary>Reads a path; the file need not exist.</summary>
    public string Path(string name, string defaultValue, string description) =>
        Take(name, "path", defaultValue, description, required: false) ?? defaultValue;

    /// <summary>A path; null where it is not set.</summary>
    public string? OptionalPath(string name, string description) => Take(name, "path", null, description, required: false);

    /// <summary>A path that leads to a file which can be read; null where it is not set.</summary>
    public string? OptionalFile(string name, string description)
    {
        var path = OptionalPath(name, description);
        if (path is null) return null;
        try
        {
            using var file = File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WrongFile(name, path, e);
        }

        return path;
    }

    /// <summary>
    /// A secret from <c>NAME</c> or from the file that <c>NAME_FILE</c> names; null where neither is set. Both set is a mistake.
    /// </summary>
    public Secret? OptionalSecret(string name, string description)
    {
        var fileName = name + "_FILE";
        Describe(name, "secret", null, description, isRequired: false);
        Describe(fileName, "path", null, $"File that holds {name}; a line feed at its end is ignored.", isRequired: false);
        var (value, path) = (Value(name), Trimmed(fileName));
        if (value is not null && path is not null)
        {
            _errors.Add($"{name} and {fileName} are both set; set one");
            return null;
        }

        if (value is not null) return ParseSecret(name, Encoding.UTF8.GetBytes(value));
        return path is null ? null : ReadSecret(fileName, path);
    }

    /// <summary>
    /// During a rotation, the secret before <paramref name="name"/>: from <c>NAME_PREVIOUS</c> or the file that <c>NAME_PREVIOUS_FILE</c>
    /// names, by default that of <c>NAME_FILE</c> with <c>-previous</c> behind it. A file that is not there is no mistake: a Secret has the
    /// key only while the rotation lasts.
    /// </summary>
    public Secret? PreviousSecret(string name)
    {
        var (previous, fileName) = (name + "_PREVIOUS", name + "_PREVIOUS_FILE");
        Describe(previous, "secret", null, $"The old {name} during a rotation: servers accept both.", isRequired: false);
        Describe(fileName, "path", null,
            $"File that holds {previous}; it may be missing. Default: {name}_FILE with -previous appended.", isRequired: false);
        var (value, path) = (Value(previous), Trimmed(fileName));
        if (value is not null && path is not null) _errors.Add($"{previous} and {fileName} are both set; set one");
        else if (value is not null) return ParseSecret(previous, Encoding.UTF8.GetBytes(value));
        else if ((path ?? (Trimmed(name + "_FILE") is { } current ? current + "-previous" : null)) is { } file)
            return ReadSecret(fileName, file, isRequired: false);
        return null;
    }

    /// <summary>A reader of the same variables, for files that are read again; its mistakes are its own.</summary>
    public SettingReader Again() => new(variables, _readFile);

    /// <summary>A value with its own rule; null where it is not set or wrong.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="kind">What is right, for help and for the mistake ("40 hex digits").</param>
    /// <param name="parse">Null where the text is wrong.</param>
    /// <param name="description">One sentence.</param>
    public T? OptionalValue<T>(string name, string kind, Func<string, T?> parse, string description)
        where T : class
    {
        var text = Take(name, kind, null, description, required: false);
        return text is null ? null : parse(text) ?? Wrong<T?>(name, text, kind, null);
    }

    /// <summary>Adds a remark of the caller's own: nothing is wrong by itself, and a person should know it.</summary>
    public void Remark(string remark) => _remarks.Add(remark);

    /// <summary>Adds a mistake of the caller's own, for relations between settings; it names the variables.</summary>
    public void Fail(string error) => _errors.Add(error);

    /// <summary>A value as it may stand in a message: control characters would forge lines of it, and length could flood it.</summary>
    public static string Shown(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var clean = text.Length > 80 ? text[..80].ToCharArray() : text.ToCharArray();
        for (var i = 0; i < clean.Length; i++)
            if (char.IsControl(clean[i])) clean[i] = '?';
        return text.Length > 80 ? new string(clean) + "…" : new string(clean);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private string? Value(string name) => variables.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    // A secret may begin or end with a blank; nothing else does, and an editor leaves a line feed.
    private string? Trimmed(string name) => Value(name)?.Trim() is { Length: > 0 } value ? value : null;

    private void Describe(string name, string kind, string? defaultValue, string description, bool isRequired) =>
        _settings.Add(new SettingDescription(name, kind, defaultValue, description, isRequired) { Section = _section });

    private string? Take(string name, string kind, string? defaultValue, string description, bool required)
    {
        Describe(name, kind, defaultValue, description, required);
        if (Trimmed(name) is { } value) return value;
        if (required) _errors.Add($"{name} is not set; it is required: {description}");
        return null;
    }

    private TimeSpan? TakeDuration(DurationSetting setting, string name, string? defaultValue, string description)
    {
        Describe(name, setting.Kind, defaultValue, description, isRequired: false);
        return setting.Read(Trimmed, _errors);
    }

    private int? ParseInteger(string name, string text, int min, int max)
    {
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        return Wrong<int?>(name, text, $"a whole number, {min}..{max}", null);
    }

    private RedisEndpoint? ParseEndpoint(string name, string text, int defaultPort) =>
        RedisEndpoint.TryParse(text, defaultPort, out var endpoint)
            ? endpoint
            : Wrong<RedisEndpoint?>(name, text, "host or host:port ([v6]:port)", null);

    private Secret? ReadSecret(string name, string path, bool isRequired = true)
    {
        try
        {
            return ParseSecret($"{name} ({path})", _readFile(path, Primitives.Secret.MaxBytes + 2)); // and CR LF
        }
        catch (Exception e) when (!isRequired && (e is FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
        catch (IOException e)
        {
            WrongFile(name, path, e);
            return null;
        }
    }

    private void WrongFile(string name, string path, Exception e)
    {
        var isMissing = e is FileNotFoundException or DirectoryNotFoundException;
        Wrong<string?>(name, path, isMissing ? "an existing file" : $"a file that can be read: {e.Message}", null);
    }

    private Secret? ParseSecret(string source, byte[] bytes)
    {
        if (Secret.TryParse(bytes, out var secret, out var problem)) return secret;
        _errors.Add($"{source} {problem}");
        return null;
    }

    private T Wrong<T>(string name, string text, string right, T instead)
    {
        _errors.Add($"{name} is '{Shown(text)}'; it must be {right}");
        return instead;
    }
}
