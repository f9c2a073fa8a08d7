namespace Sidecars.Core.Hosting;

/// <summary>Which boot of the machine this is: a marker of another boot was written before a power loss.</summary>
public static class BootId
{
    /// <summary>The kernel's boot id; <paramref name="fallback"/> where it can't be read.</summary>
    public static string Read(string fallback)
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() is { Length: > 0 and <= 64 } id ? id : fallback;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return fallback;
        }
    }
}
