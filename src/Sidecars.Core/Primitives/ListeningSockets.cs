using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace Sidecars.Core.Primitives;

/// <summary>A socket that listens.</summary>
/// <param name="Name">As a process' file descriptors name it: <c>socket:[4711]</c>.</param>
/// <param name="At">Where it listens; 0.0.0.0 and :: are every address.</param>
public sealed record ListeningSocket(string Name, IPEndPoint At);

/// <summary>Reads <c>/proc/net/tcp</c> and <c>tcp6</c>. proc_pid_net(5).</summary>
public static class ListeningSockets
{
    private const string Listen = "0A"; // TCP_LISTEN of include/net/tcp_states.h

    /// <summary>The sockets that listen on a port, at whatever address; other lines are passed over.</summary>
    public static IEnumerable<ListeningSocket> Read(IEnumerable<string> lines, int port)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var ending = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 9 && words[3] == Listen && words[1].EndsWith(ending, StringComparison.Ordinal)
                && Address(words[1].AsSpan(0, words[1].Length - ending.Length)) is { } address)
                yield return new ListeningSocket($"socket:[{words[9]}]", new IPEndPoint(address, port));
        }
    }

    // %08X of each 32 bits, which lie in memory in network order: 127.0.0.1 is 0100007F on a little-endian machine.
    private static IPAddress? Address(ReadOnlySpan<char> digits)
    {
        if (digits.Length is not (8 or 32)) return null;
        Span<uint> words = stackalloc uint[digits.Length / 8];
        for (var i = 0; i < words.Length; i++)
        {
            if (!uint.TryParse(digits.Slice(i * 8, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out words[i]))
                return null;
        }

        return new IPAddress(MemoryMarshal.AsBytes(words));
    }
}
