using System.Runtime.InteropServices;
using System.Text;
using Sidecars.Core.Hosting;

namespace Sidecars.Bootstrap.Server;

/// <summary>Why a program could not be started in our place.</summary>
/// <param name="Program">As asked for.</param>
/// <param name="Errno">The C error number of execve.</param>
/// <param name="Reason">Its text.</param>
public sealed record ReplaceFailure(string Program, int Errno, string Reason)
{
    internal const int NoEntry = 2;
    internal const int NoAccess = 13;
    internal const int NotDirectory = 20;

    /// <summary>127 where there is no such program, 126 where it cannot be executed: the shell's convention.</summary>
    public int ExitCode => Errno is NoEntry or NotDirectory ? Core.Hosting.ExitCode.NotFound : Core.Hosting.ExitCode.NotExecutable;

    /// <summary>A sentence for the log.</summary>
    public override string ToString() => $"{Program}: {Reason}";
}

/// <summary>
/// Starts a program in the place of this process (<c>execve</c>): same pid, so that redis-server is the container's process 1
/// and receives SIGTERM itself. Linux only.
/// </summary>
/// <remarks>
/// What a managed process leaves behind is cleaned up first. Signals: .NET ignores SIGPIPE, which execve would hand on;
/// handlers need nothing, since execve resets them (and resetting them earlier, while the runtime still uses some of them
/// among its threads, could kill the process). A signal mask inherited from our parent is cleared: with SIGTERM blocked,
/// Redis would never stop. File descriptors above 2 are closed by the kernel at the exec.
/// The thread pool is held (<see cref="PoolHold"/>).
/// Nothing is flushed here: a <see cref="QueuedLog"/> is drained by the caller.
/// </remarks>
public static partial class ProcessReplacer
{
    private const int SetMask = 2; // SIG_SETMASK
    private const uint CloseOnExec = 4; // CLOSE_RANGE_CLOEXEC
    private const int SetFlags = 2; // F_SETFD
    private const int CloseOnExecFlag = 1; // FD_CLOEXEC
    private const nint DefaultAction = 0; // SIG_DFL
    private const nint Ignore = 1; // SIG_IGN
    private const int LastSignal = 64;
    private const int MaskBytes = 128; // sizeof(sigset_t) in glibc and musl

    /// <summary>Replaces this process. Returns only if that failed; the process then goes on as before.</summary>
    /// <param name="program">A path, or a name that is looked up in the PATH of <paramref name="environment"/>.</param>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="environment">Entries <c>NAME=value</c> in bytes; null: exactly those this process was started with.</param>
    /// <param name="inherit">Descriptors above 2 that stay open, such as one that holds a lock for the next program.</param>
    public static ReplaceFailure Replace(
        string program, IReadOnlyList<string> arguments, IReadOnlyList<byte[]>? environment = null, params ReadOnlySpan<int> inherit) =>
        Replace(program, [.. arguments.Select(Encoding.UTF8.GetBytes)], environment, inherit);

    /// <summary>Like the other, with arguments in bytes, which need not be UTF-8.</summary>
    public static unsafe ReplaceFailure Replace(
        string program, IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]>? environment = null, params ReadOnlySpan<int> inherit)
    {
        using var hold = new PoolHold();
        var variables = environment ?? NativeStrings.Environment();
        using var argv = new NativeStringArray([Encoding.UTF8.GetBytes(program), .. arguments]);
        using var envp = new NativeStringArray(variables);
        var ignored = IgnoredSignals();
        foreach (var signal in ignored) _ = Signal(signal, DefaultAction);
        Span<byte> empty = stackalloc byte[MaskBytes];
        Span<byte> before = stackalloc byte[MaskBytes];
        empty.Clear();
        fixed (byte* none = empty, saved = before)
        {
            _ = SignalMask(SetMask, none, saved);
            _ = CloseRange(3, uint.MaxValue, CloseOnExec);
            foreach (var descriptor in inherit) _ = SetDescriptorFlags(descriptor, SetFlags, 0);
            var errno = Execute(program, variables, argv, envp);
            foreach (var descriptor in inherit) _ = SetDescriptorFlags(descriptor, SetFlags, CloseOnExecFlag);
            _ = SignalMask(SetMask, saved, null);
            foreach (var signal in ignored) _ = Signal(signal, Ignore);
            return new ReplaceFailure(program, errno, Marshal.GetPInvokeErrorMessage(errno));
        }
    }

    /// <summary>Why a program would not be found or executed, by what lies on disk now; null where it would.</summary>
    public static ReplaceFailure? FindProblem(string program)
    {
        const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        string[] found = [.. Candidates(program, NativeStrings.Environment()).Where(File.Exists)];
        if (found.Length == 0) return new ReplaceFailure(program, ReplaceFailure.NoEntry, "no such file");
#pragma warning disable CA1416 // Linux only, as all of this
        return found.Any(path => (File.GetUnixFileMode(path) & Executable) != 0)
            ? null
            : new ReplaceFailure(program, ReplaceFailure.NoAccess, "not executable");
#pragma warning restore CA1416
    }

    // As execvp: an entry of PATH that may not be entered is passed over, and named only if no other has the program.
    private static unsafe int Execute(string program, IReadOnlyList<byte[]> environment, NativeStringArray argv, NativeStringArray envp)
    {
        var result = ReplaceFailure.NoEntry;
        foreach (var path in Candidates(program, environment))
        {
            using var native = new NativeStringArray([Encoding.UTF8.GetBytes(path)]);
            _ = ExecVe(native.First, argv.Pointer, envp.Pointer);
            var errno = Marshal.GetLastPInvokeError();
            if (errno == ReplaceFailure.NoAccess) result = errno;
            else if (errno is not (ReplaceFailure.NoEntry or ReplaceFailure.NotDirectory)) return errno;
        }

        return result;
    }

    private static IEnumerable<string> Candidates(string program, IReadOnlyList<byte[]> environment)
    {
        if (program.Length == 0) return [];
        if (program.Contains('/')) return [program];
        const string Default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        var entry = environment.FirstOrDefault(variable => variable.AsSpan().StartsWith("PATH="u8));
        var path = entry is null ? Default : Encoding.UTF8.GetString(entry.AsSpan(5));
        return path.Split(':').Select(directory => Path.Combine(directory.Length == 0 ? "." : directory, program));
    }

    // The mask in /proc is this process's current one, inherited or set here.
    private static int[] IgnoredSignals()
    {
        const string Field = "SigIgn:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        if (line is null
            || !ulong.TryParse(line.AsSpan(Field.Length).Trim(), System.Globalization.NumberStyles.HexNumber, null, out var mask))
            return [];
        return [.. Enumerable.Range(1, LastSignal).Where(signal => (mask & (1UL << (signal - 1))) != 0)];
    }

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true)]
    private static unsafe partial int ExecVe(byte* path, byte** argv, byte** envp);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint Signal(int signal, nint action);

    [LibraryImport("libc", EntryPoint = "pthread_sigmask")]
    private static unsafe partial int SignalMask(int how, byte* set, byte* old);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetDescriptorFlags(int descriptor, int command, int flags);

    [LibraryImport("libc", EntryPoint = "close_range", SetLastError = true)]
    private static partial int CloseRange(uint first, uint last, uint flags);
}
