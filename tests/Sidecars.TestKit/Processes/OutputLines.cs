namespace Sidecars.TestKit.Processes;

/// <summary>The last lines that a process wrote, in a bounded ring or, for a detached process, read from its log file.</summary>
internal sealed class OutputLines(string? file)
{
    /// <summary>Lines kept; a test process that writes more loses the oldest, never memory.</summary>
    public const int Capacity = 4000;

    // A forked child of the server (BGSAVE) can hold the pipe open after the server has ended: do not wait for it longer.
    private static readonly TimeSpan CompletionDeadline = TimeSpan.FromMilliseconds(500);
    private readonly Queue<string> _lines = new();
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _openStreams = file is null ? 2 : 0;

    /// <summary>A line of one of the two streams; null is its end.</summary>
    public void Add(string prefix, string? line)
    {
        lock (_lines)
        {
            if (line is null)
            {
                if (--_openStreams == 0) _completed.TrySetResult();
                return;
            }

            if (_lines.Count == Capacity) _lines.Dequeue();
            _lines.Enqueue(prefix + line);
        }
    }

    /// <summary>What is known now, oldest first.</summary>
    public IReadOnlyList<string> Snapshot()
    {
        if (file is not null) return File.Exists(file) ? [.. File.ReadLines(file).TakeLast(Capacity)] : [];
        lock (_lines) return [.. _lines];
    }

    /// <summary>Returns when both streams have ended, or soon after.</summary>
    public async Task CompletedAsync()
    {
        if (file is null) await Task.WhenAny(_completed.Task, Task.Delay(CompletionDeadline));
    }
}
