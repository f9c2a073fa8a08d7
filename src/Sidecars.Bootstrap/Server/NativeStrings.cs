using System.Runtime.InteropServices;

namespace Sidecars.Bootstrap.Server;

/// <summary>The environment of this process as the kernel handed it over: .NET reads it as UTF-8 and loses other bytes.</summary>
public static class NativeStrings
{
    /// <summary>The environment this process was started with: entries <c>NAME=value</c>.</summary>
    public static IReadOnlyList<byte[]> Environment() => Split(File.ReadAllBytes("/proc/self/environ"));

    // Every string ends in NUL, the last one too.
    internal static IReadOnlyList<byte[]> Split(ReadOnlySpan<byte> block)
    {
        var result = new List<byte[]>();
        while (!block.IsEmpty)
        {
            var end = block.IndexOf((byte)0);
            if (end < 0) end = block.Length;
            result.Add(block[..end].ToArray());
            block = block[Math.Min(end + 1, block.Length)..];
        }

        return result;
    }
}

/// <summary>A NULL-terminated array of C strings in native memory.</summary>
internal sealed unsafe class NativeStringArray : IDisposable
{
    private readonly int _count;

    /// <exception cref="ArgumentException">A string holds a NUL byte, which would cut it short.</exception>
    public NativeStringArray(IReadOnlyList<byte[]> strings)
    {
        if (strings.Any(s => s.AsSpan().Contains((byte)0)))
            throw new ArgumentException("An argument or variable holds a NUL byte.", nameof(strings));
        _count = strings.Count;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < _count; i++)
        {
            Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)strings[i].Length + 1);
            strings[i].CopyTo(new Span<byte>(Pointer[i], strings[i].Length));
        }
    }

    public byte** Pointer { get; private set; }

    public byte* First => Pointer[0];

    public void Dispose()
    {
        if (Pointer is null) return;
        for (var i = 0; i < _count; i++) NativeMemory.Free(Pointer[i]);
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
