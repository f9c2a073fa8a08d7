namespace Sidecars.Core.Hosting;

/// <summary>How lines are written.</summary>
public enum LogFormat
{
    /// <summary>Text on a terminal, JSON elsewhere.</summary>
    Auto,

    /// <summary>One object a line, for programs.</summary>
    Json,

    /// <summary>One readable line, for people.</summary>
    Text,
}

/// <summary>What is logged, and how; read alike by every executable that logs.</summary>
public static class LogSettings
{
    /// <summary>Reads <c>LOG_LEVEL</c> and <c>LOG_FORMAT</c>.</summary>
    public static (LogLevel Level, LogFormat Format) Read(SettingReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings.Section(SettingSections.Log);
        var level = settings.Choice("LOG_LEVEL", LogLevel.Info, "Lowest level that is logged.");
        var format = settings.Choice("LOG_FORMAT", LogFormat.Auto,
            "json: one object per line; text: time, level, component, event, message and key=value; auto: text on a terminal, else json.");
        return (level, format);
    }
}
