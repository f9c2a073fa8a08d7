using System.Runtime.InteropServices;

namespace Sidecars.Core.Hosting;

/// <summary>Asks the terminal behind standard output how wide it is. One system call: Console would add 70 KB to an executable.</summary>
public static partial class TerminalWidth
{
    /// <summary>Columns where there is no terminal: the narrowest one in use.</summary>
    public const int Default = 80;

    private const int StandardOutput = 1;
    private const nuint GetWindowSize = 0x5413; // TIOCGWINSZ of Linux, on x86-64 and arm64
    private const int Narrowest = 40; // a text is not readable in less

    /// <summary>Columns of standard output.</summary>
    public static int OfOutput =>
        ControlTerminal(StandardOutput, GetWindowSize, out var size) == 0 && size.Columns > 0
            ? Math.Max((int)size.Columns, Narrowest)
            : Default;

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int ControlTerminal(int descriptor, nuint request, out WindowSize size);

    // struct winsize
    private struct WindowSize
    {
#pragma warning disable CS0649 // the system call writes it
        public ushort Rows, Columns, Width, Height;
#pragma warning restore CS0649
    }
}
