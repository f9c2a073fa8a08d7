using System.Globalization;
using System.Text;

namespace Sidecars.Failover.Watch;

/// <summary>What <c>/proc/PID/stat</c> says of a process' life. proc_pid_stat(5).</summary>
/// <param name="State">Field 3.</param>
/// <param name="Flags">Field 9, the kernel's PF_ bits.</param>
public sealed record ProcessStat(char State, uint Flags)
{
    // PF_EXITING of include/linux/sched.h: set before memory is freed and files are closed, and never taken back.
    private const uint Exiting = 0x4;
    private const int FlagsAfterName = 6; // state, ppid, pgrp, session, tty_nr, tpgid, flags

    /// <summary>It runs no instruction of its own any more: a zombie, dead, or being taken down.</summary>
    public bool IsEnding => State is 'Z' or 'X' || (Flags & Exiting) != 0;

    /// <summary>From the file's bytes; null where they are something else.</summary>
    public static ProcessStat? Read(ReadOnlySpan<byte> text)
    {
        // The name may hold blanks and brackets itself; nothing after it does.
        var words = Encoding.ASCII.GetString(text[(text.LastIndexOf((byte)')') + 1)..]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > FlagsAfterName && words[0].Length == 1
            && uint.TryParse(words[FlagsAfterName], NumberStyles.None, CultureInfo.InvariantCulture, out var flags)
            ? new ProcessStat(words[0][0], flags)
            : null;
    }
}
