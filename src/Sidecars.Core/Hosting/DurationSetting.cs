using Sidecars.Core.Primitives;

namespace Sidecars.Core.Hosting;

/// <summary>
/// A setting that is a duration. Its former name said the unit (<c>NAME_MS</c>) and is still read. Under both names a number without a
/// unit counts what it counted then, and no value is finer than that.
/// </summary>
/// <param name="name">The variable.</param>
/// <param name="former">Its former name, which ends with the unit.</param>
/// <param name="min">The shortest that is right.</param>
/// <param name="max">The longest.</param>
public sealed class DurationSetting(string name, string former, TimeSpan min, TimeSpan max)
{
    private readonly (string Name, string Examples, TimeSpan Length) _unit = former[(former.LastIndexOf('_') + 1)..] switch
    {
        "MS" => ("milliseconds", "250ms, 25s, 1h30m", TimeSpan.FromMilliseconds(1)),
        "SECONDS" => ("seconds", "25s, 5m, 1h30m", TimeSpan.FromSeconds(1)),
        "MINUTES" => ("minutes", "90m, 12h, 1d", TimeSpan.FromMinutes(1)),
        "HOURS" => ("hours", "36h, 7d", TimeSpan.FromHours(1)),
        "DAYS" => ("days", "7d", TimeSpan.FromDays(1)),
        _ => throw new ArgumentException($"{former} does not end with a unit.", nameof(former)),
    };

    /// <summary>What is right, for help.</summary>
    public string Kind => $"duration, {DurationText.Of(min)}..{DurationText.Of(max)}";

    /// <summary>The value; null where it is not set or wrong. Two different values under both names are a mistake.</summary>
    /// <param name="variable">The trimmed text of a variable, null where that is empty or not set.</param>
    /// <param name="errors">Where mistakes go.</param>
    public TimeSpan? Read(Func<string, string?> variable, ICollection<string> errors)
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(errors);
        var (value, old) = (Parse(name), Parse(former));
        if (value is not null && old is not null && value != old)
            errors.Add($"{name} is {DurationText.Of(value.Value)} and {former}, its former name, is {DurationText.Of(old.Value)}; "
                + $"set {name} alone");
        return value ?? old;

        TimeSpan? Parse(string variableName)
        {
            if (variable(variableName) is not { } text) return null;
            if (DurationText.TryParse(text, _unit.Length, out var parsed) && parsed >= min && parsed <= max
                && parsed.Ticks % _unit.Length.Ticks == 0) return parsed;
            errors.Add($"{variableName} is '{SettingReader.Shown(text)}'; it must be a duration in whole {_unit.Name} ({_unit.Examples}; "
                + $"a number alone counts {_unit.Name}), {DurationText.Of(min)}..{DurationText.Of(max)}");
            return null;
        }
    }
}
