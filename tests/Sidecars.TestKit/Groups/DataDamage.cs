namespace Sidecars.TestKit.Groups;

/// <summary>What happens to the files of a server that has ended: a disk that fails, a power cut, a copy that broke off.</summary>
public static class DataDamage
{
    private const string Base = "*.base.rdb";
    private const string Increment = "*.incr.aof";
    private const int Zeros = 4096; // a page that was allocated and never written
    private const int TornBytes = 5;

    private static readonly Dictionary<string, Action<string>> Ways = new()
    {
        ["zeros behind the newest increment"] = folder => Append(Newest(folder, Increment)),
        ["a cut increment"] = folder => Cut(Newest(folder, Increment)),
        ["a flipped byte in the newest increment"] = folder => Flip(Newest(folder, Increment)),
        ["missing increment"] = folder => File.Delete(Newest(folder, Increment)),
        ["empty manifest"] = folder => File.WriteAllText(Newest(folder, "*.manifest"), ""),
        ["missing manifest"] = folder => File.Delete(Newest(folder, "*.manifest")),
        ["a flipped byte in the base"] = folder => Flip(Newest(folder, Base)),
        ["a cut base"] = folder => Cut(Newest(folder, Base)),
        ["an empty base"] = folder => File.WriteAllText(Newest(folder, Base), ""),
        ["missing base"] = folder => File.Delete(Newest(folder, Base)),
        ["a base of a newer version"] = folder => Change(Newest(folder, Base), bytes => "REDIS0999"u8.CopyTo(bytes)),
    };

    /// <summary>What can be done.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Ways.Keys];

    /// <summary>Damages the AOF of a node that does not run.</summary>
    /// <param name="node">Its files are whole: a server has served with them.</param>
    /// <param name="damage">One of <see cref="All"/>.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static void Damage(this LocalNode node, string damage) => Ways[damage](Path.Combine(node.DataFolder, "appendonlydir"));

    private static string Newest(string folder, string pattern) =>
        (Directory.Exists(folder) ? Directory.GetFiles(folder, pattern) : []).MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new FileNotFoundException($"no {pattern} in {folder}");

    private static void Append(string path)
    {
        using var file = new FileStream(path, FileMode.Append);
        file.Write(new byte[Zeros]);
    }

    private static void Cut(string path)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.SetLength(Math.Max(0, file.Length - TornBytes));
    }

    private static void Flip(string path) => Change(path, bytes =>
    {
        if (bytes.Length > 0) bytes[bytes.Length / 2] ^= 0xFF;
    });

    private static void Change(string path, Action<byte[]> change)
    {
        var bytes = File.ReadAllBytes(path);
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }
}
