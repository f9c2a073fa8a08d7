using System.ComponentModel;
using System.Diagnostics;

namespace Sidecars.Bootstrap.Redis;

/// <summary>What a round of the role loop has to know of a restore.</summary>
internal abstract record RestoreProgress
{
    /// <summary>The restore is under way.</summary>
    public sealed record Running(string Progress) : RestoreProgress;

    /// <summary>The data are in place.</summary>
    public sealed record Done : RestoreProgress;

    /// <summary>It failed, and is tried again.</summary>
    public sealed record Failed(string Why) : RestoreProgress;
}

/// <summary>
/// Runs <c>redis-backup restore</c> beside the rounds of the role loop, which keep this node's claim alive meanwhile. The tool stages in
/// <c>.sidecar</c> and renames as its last step, so that what is in the data directory is nothing or all. Not safe for concurrent use.
/// </summary>
/// <param name="command">The executable; it reads the same environment.</param>
/// <param name="directory">DATA_DIR.</param>
/// <param name="time">Between two tries.</param>
internal sealed class BackupRestore(string command, string directory, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5); // a store that was away; each try is a handful of requests
    private readonly CancellationTokenSource _stop = new();
    private Task? _run;
    private volatile string? _failure;
    private long? _endedAt;
    private bool _ended;
    private volatile string _last = "";

    /// <summary>Starts it, starts it again after a pause, or says how far it is.</summary>
    public RestoreProgress Advance()
    {
        if (_run is { IsCompleted: true } && _endedAt is null) _endedAt = time.GetTimestamp();
        if (_run is null || (_endedAt is { } ended && _failure is not null && time.GetElapsedTime(ended) >= Pause))
            (_run, _endedAt) = (RunAsync(_stop.Token), null);
        if (!_run.IsCompleted) return new RestoreProgress.Running(_last);
        return _failure is { } why ? new RestoreProgress.Failed(why) : new RestoreProgress.Done();
    }

    /// <summary>Ends it, and the tool with it; returns once that is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ended) return;
        _ended = true;
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_run is not null) await _run.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        _last = "";
        _failure = await TryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Null where it restored; never throws.</summary>
    private async Task<string?> TryAsync(CancellationToken cancellation)
    {
        var info = new ProcessStartInfo(command) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["restore", "--to", "latest", "--target", directory]) info.ArgumentList.Add(word);
        try
        {
            using var process = Process.Start(info) ?? throw new IOException($"{command} was not started");
            var output = ReadAsync(process.StandardOutput);
            var errors = ReadAsync(process.StandardError);
            try
            {
                await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }

            var said = await errors.ConfigureAwait(false);
            await output.ConfigureAwait(false);
            return process.ExitCode == 0 ? null : $"{command} ended with {process.ExitCode}: {said}";
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            return $"{command}: {e.Message}";
        }
    }

    // Progress and the reason of a failure are its last line.
    private async Task<string> ReadAsync(StreamReader lines)
    {
        var last = "";
        while (await lines.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (line.Length == 0) continue;
            last = line.Length <= 500 ? line : line[..500];
            _last = last;
        }

        return last;
    }
}
