namespace Sidecars.Core.Hosting;

/// <summary>Names the sections of <c>--help</c> and the settings page that several executables share.</summary>
public static class SettingSections
{
    /// <summary>Identity and size of the group.</summary>
    public const string Group = "Group";

    /// <summary>Where servers listen and what they announce.</summary>
    public const string Addresses = "Addresses";

    /// <summary>Folders and what is kept in them.</summary>
    public const string Files = "Files";

    /// <summary>The API server.</summary>
    public const string Kubernetes = "Kubernetes";

    /// <summary>How a master is elected.</summary>
    public const string Election = "Election";

    /// <summary>What Sentinels are told.</summary>
    public const string Sentinel = "Sentinel";

    /// <summary>Timeouts and TLS.</summary>
    public const string Connections = "Connections";

    /// <summary>Passwords, each with the one before it.</summary>
    public const string Passwords = "Passwords";

    /// <summary>Level and form of the log.</summary>
    public const string Log = "Log";
}
