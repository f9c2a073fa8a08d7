using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Sidecars.TestKit.Processes;

/// <summary>kill(2); numbers as on x86-64 and arm64 Linux.</summary>
internal static partial class PosixSignals
{
    public const int Kill = 9;
    public const int Term = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    private const int NoSuchProcess = 3; // ESRCH

    public static void Send(int pid, int signal)
    {
        if (kill(pid, signal) == 0) return;
        var error = Marshal.GetLastPInvokeError();
        if (error != NoSuchProcess) throw new Win32Exception(error);
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int pid, int signal);
}
