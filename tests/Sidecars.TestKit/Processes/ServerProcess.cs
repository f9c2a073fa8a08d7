using System.Diagnostics;

namespace Sidecars.TestKit.Processes;

/// <summary>What to start and how.</summary>
/// <param name="Program">Absolute path, or a name found on <c>PATH</c>.</param>
/// <param name="Arguments">Without the program itself.</param>
public sealed record ServerStart(string Program, params string[] Arguments)
{
    /// <summary>For messages; default: the program's file name.</summary>
    public string Name { get; init; } = Path.GetFileName(Program);

    /// <summary>
    /// The whole environment of the process besides <c>PATH</c>, <c>HOME</c> and <c>TMPDIR</c>: nothing of the test host's
    /// leaks in, so that a developer's <c>REDIS_PORT</c> changes no test.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Current folder of the process; default: that of the host.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// Null: output is captured, and the process dies with the host. Otherwise output is appended to this file, and the
    /// process survives the host (a dispose still ends it).
    /// </summary>
    public string? DetachedLog { get; init; }
}

/// <summary>
/// A running server under test. It has its own session (Ctrl-C in a terminal reaches only the host), dies with SIGKILL when
/// the host dies in whatever way (<see cref="Watchdog"/>), and is killed on dispose. A program that calls <c>execve</c> keeps the pid, and
/// so this object keeps naming it.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan ExitDeadline = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly Task _exited;
    private readonly OutputLines _lines;
    private readonly OutputPump[] _pumps; // of stdout and stderr; none of a detached process

    private ServerProcess(Process process, ServerStart start, OutputLines lines, OutputPump[] pumps, Task exited)
    {
        (_process, Start, _lines, _pumps, _exited) = (process, start, lines, pumps, exited);
        Pid = process.Id;
    }

    /// <summary>What was started.</summary>
    public ServerStart Start { get; }

    /// <summary>Process id; after the process has ended it may belong to another one, so signals go through this class only.</summary>
    public int Pid { get; }

    /// <summary>False once the process has ended.</summary>
    public bool Running => !_process.HasExited;

    /// <summary>The last lines of stdout and stderr (stderr marked <c>! </c>), oldest first; at most 4000.</summary>
    public IReadOnlyList<string> Output => _lines.Snapshot();

    /// <summary>Exit code, 128 + n after signal n; null while it runs.</summary>
    public int? ExitCode => Running ? null : _process.ExitCode;

    /// <summary>Starts a process; returns once it has a pid. A program that is not there ends with 127.</summary>
    public static async Task<ServerProcess> StartAsync(ServerStart start)
    {
        var info = new ProcessStartInfo("setsid") { WorkingDirectory = start.WorkingDirectory ?? "" };
        if (start.DetachedLog is null)
        {
            info.RedirectStandardOutput = info.RedirectStandardError = true;
            Add(info, start.Program);
        }
        else
        {
            Add(info, "sh", "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", start.DetachedLog, start.Program);
        }

        Add(info, start.Arguments);
        info.Environment.Clear();
        foreach (var name in (string[])["PATH", "HOME", "TMPDIR"])
            if (Environment.GetEnvironmentVariable(name) is { } value) info.Environment[name] = value;
        foreach (var (name, value) in start.Environment) info.Environment[name] = value;

        var lines = new OutputLines(start.DetachedLog);
        var process = new Process { StartInfo = info, EnableRaisingEvents = true };
        var exited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.Exited += (_, _) => exited.TrySetResult();
        await Task.Run(process.Start); // blocks until the program was executed
        if (start.DetachedLog is not null) return new ServerProcess(process, start, lines, [], exited.Task);
        Watchdog.Register(process.Id);
        OutputPump Pump(StreamReader stream, string prefix) => new(stream.BaseStream, line => lines.Add(prefix, line));
        return new ServerProcess(process, start, lines, [Pump(process.StandardOutput, ""), Pump(process.StandardError, "! ")], exited.Task);
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => Signal(PosixSignals.Kill);

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal(PosixSignals.Term);

    /// <summary>SIGSTOP: the process neither runs nor answers, its connections stay open.</summary>
    public void Pause() => Signal(PosixSignals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => Signal(PosixSignals.Continue);

    /// <summary>From now on stdout and stderr are full pipes that nobody reads: whoever writes to one waits.</summary>
    public Task BlockOutputAsync() => Task.WhenAll(_pumps.Select((pump, index) => pump.HoldAsync(() => Fill(index + 1))));

    /// <summary>They are read again, what has waited too.</summary>
    public void UnblockOutput() => Array.ForEach(_pumps, pump => pump.Release());

    /// <summary>Sends any signal; nothing happens if the process has ended.</summary>
    public void Signal(int signal)
    {
        if (Running) PosixSignals.Send(Pid, signal);
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    /// <returns>The exit code, 128 + n after signal n.</returns>
    /// <exception cref="TimeoutException">It still runs after <paramref name="within"/> (default 10 s).</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? within = null)
    {
        try
        {
            await _exited.WaitAsync(within ?? ExitDeadline);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"{Start.Name} (pid {Pid}) did not end within {(within ?? ExitDeadline).TotalSeconds:0.#} s.\n{Tail()}");
        }

        await _lines.CompletedAsync();
        return _process.ExitCode;
    }

    /// <summary>SIGKILL and wait.</summary>
    public async Task KillAsync()
    {
        Kill();
        await WaitForExitAsync();
    }

    /// <summary>SIGTERM and wait.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> TerminateAsync(TimeSpan? within = null)
    {
        Terminate();
        return WaitForExitAsync(within);
    }

    /// <summary>Polls until <paramref name="condition"/> holds; fails at once, with the last output, when the process ends first.</summary>
    public Task WaitUntilAsync(string what, Func<Task<bool>> condition, TimeSpan? deadline = null) =>
        Eventually.UntilAsync(
            $"{Start.Name} (pid {Pid}): {what}",
            async () =>
            {
                if (await condition()) return true;
                if (Running) return false;
                await _lines.CompletedAsync();
                if (await condition()) return true; // its last words
                throw new InvalidOperationException($"{Start.Name} ended with {ExitCode} while waited for {what}.\n{Tail()}");
            },
            deadline,
            () => Tail());

    /// <summary>Waits for a line of output, also among those already written.</summary>
    /// <returns>The first such line.</returns>
    public async Task<string> WaitForLineAsync(Func<string, bool> match, string what, TimeSpan? deadline = null)
    {
        string? found = null;
        await WaitUntilAsync(
            $"a line of output: {what}", () => Task.FromResult((found = Output.FirstOrDefault(match)) is not null), deadline);
        return found!;
    }

    /// <summary>The last lines of output in one text, for messages.</summary>
    public string Tail(int lines = 30) => string.Join('\n', Output.TakeLast(lines).Select(line => $"  {Start.Name}| {line}"));

    /// <summary>Kills the process if it still runs, and waits for its end; nothing more of its output is read.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        foreach (var pump in _pumps) await pump.DisposeAsync();
        _process.Dispose();
    }

    // Until a write would block.
    private void Fill(int descriptor)
    {
        if (Running)
            _ = Command.Run("dd", "if=/dev/zero", FormattableString.Invariant($"of=/proc/{Pid}/fd/{descriptor}"), "oflag=nonblock",
                "conv=notrunc", "bs=4096");
    }

    private static void Add(ProcessStartInfo info, params string[] arguments)
    {
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
    }
}
