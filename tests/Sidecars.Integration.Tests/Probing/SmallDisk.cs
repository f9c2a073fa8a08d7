using System.Diagnostics;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Probing;

/// <summary>A file system of its own, of some megabytes, that can be filled: needs the right to mount.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TempFolder _folder = new("disk");

    public SmallDisk(int megabytes)
    {
        var error = Run("mount", "-t", "tmpfs", "-o", FormattableString.Invariant($"size={megabytes}m"), "tmpfs", Path);
        if (error is null) return;
        _folder.Dispose();
        throw new InvalidOperationException("mount: " + error);
    }

    public string Path => _folder.Path;

    private string Filler => _folder.File("filler");

    /// <summary>Takes all room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // ENOSPC: full.
        }
    }

    public void Empty() => File.Delete(Filler);

    public void Dispose()
    {
        // Lazy: the server that is about to be killed still has its working directory here.
        _ = Run("umount", "--lazy", Path);
        _folder.Dispose();
    }

    /// <summary>Null, or what was said instead.</summary>
    internal static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim();
    }
}

/// <summary>A fact that needs a <see cref="SmallDisk"/>; skipped, visibly, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Reason = new(() =>
    {
        if (!Environment.IsPrivilegedProcess) return "a disk that is full needs root, to mount one";
        try
        {
            new SmallDisk(megabytes: 1).Dispose();
            return null;
        }
        catch (InvalidOperationException e)
        {
            return "no small disk can be mounted here: " + e.Message;
        }
    });

    public SmallDiskFactAttribute() => Skip = Reason.Value;
}
