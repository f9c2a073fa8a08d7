namespace Sidecars.TestKit.Groups;

/// <summary>Where the working copy and what was built from it are.</summary>
public static class Repository
{
    /// <summary>The folder that holds Sidecars.sln, above the running program.</summary>
    /// <exception cref="InvalidOperationException">The program runs from somewhere else.</exception>
    public static string Root => FindRoot();

    /// <summary>The published native executable: in <c>SIDECARS_NATIVE_DIR</c> if set, else in <c>artifacts/native</c>.</summary>
    /// <exception cref="FileNotFoundException">It is not there; the message says how to publish it.</exception>
    public static string NativeExecutable(string name)
    {
        var folder = Environment.GetEnvironmentVariable("SIDECARS_NATIVE_DIR");
        var path = Path.Combine(string.IsNullOrEmpty(folder) ? Path.Combine(Root, "artifacts", "native") : folder, name);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is missing: run scripts/publish {name}, or set SIDECARS_NATIVE_DIR.", path);
    }

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Sidecars.sln"))) return folder;
        throw new InvalidOperationException($"No Sidecars.sln above {AppContext.BaseDirectory}.");
    }
}
