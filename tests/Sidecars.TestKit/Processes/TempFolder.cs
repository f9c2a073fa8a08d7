namespace Sidecars.TestKit.Processes;

/// <summary>
/// A folder of its own below the system's temporary folder, deleted with its content on dispose. With
/// <c>SIDECARS_KEEP</c> set in the environment (to anything) it stays, to look at after a failed test.
/// </summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Creates the folder.</summary>
    /// <param name="name">Part of its name, so that a person recognises it.</param>
    public TempFolder(string name = "test") => Path = Directory.CreateTempSubdirectory($"sidecars-{name}-").FullName;

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>True: dispose leaves the folder where it is.</summary>
    public bool Keep { get; set; } = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("SIDECARS_KEEP"));

    /// <summary>An absolute path below the folder; nothing is created.</summary>
    public string File(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>A sub-folder, created where it is missing.</summary>
    public string Folder(params string[] parts) => Directory.CreateDirectory(File(parts)).FullName;

    /// <summary>Writes a file below the folder, creating the folders between, and returns its path.</summary>
    public string Write(string relative, string content)
    {
        var path = File(relative);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Deletes the folder unless <see cref="Keep"/>.</summary>
    public void Dispose()
    {
        if (Keep) return;
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // deleted by the test itself
        }
        catch (IOException)
        {
            // A server's forked child (BGSAVE) may have created a file while we deleted; by the second try it is gone.
            Directory.Delete(Path, recursive: true);
        }
    }
}
