using System.Globalization;

namespace Sidecars.Backup.Restore;

/// <summary>A line every few seconds with rate and time left; none for what is done at once.</summary>
internal sealed class ProgressLines(TextWriter output, TimeProvider time) : IProgress<RestoreProgress>
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly long _started = time.GetTimestamp();
    private long _told = time.GetTimestamp();

    public void Report(RestoreProgress value)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_told) < Every) return;
            _told = time.GetTimestamp();
            var seconds = time.GetElapsedTime(_started).TotalSeconds;
            var rate = value.Done / seconds;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Size.Of(value.Done)} of {Size.Of(value.Total)}, {Size.Of((long)rate)}/s, {(value.Total - value.Done) / Math.Max(1, rate):0} s left"));
        }
    }
}

/// <summary>Bytes for people.</summary>
internal static class Size
{
    public static string Of(long bytes) => bytes switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0} kB"),
        < 10_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };
}
