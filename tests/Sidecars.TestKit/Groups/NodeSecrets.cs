using System.Globalization;
using Sidecars.TestKit.Processes;

namespace Sidecars.TestKit.Groups;

/// <summary>
/// The group's Secret in a folder a node, changed there as kubelet does it: all files at once, and at each node for itself.
/// </summary>
public sealed class NodeSecrets : IDisposable
{
    private readonly TempFolder _folder = new("node-secrets");
    private int _generation;

    /// <summary>The variables that name the files, without <c>_FILE</c>, and the keys of the Secret.</summary>
    public static IReadOnlyList<(string Variable, string Key)> All { get; } =
    [
        ("REDIS_PASSWORD", "redis-password"), ("REPLICATION_PASSWORD", "replication-password"),
        ("SENTINEL_AUTH_PASSWORD", "sentinel-auth-password"),
        ("SIDECAR_PASSWORD", "sidecar-password"), ("SENTINEL_PASSWORD", "sentinel-password"),
    ];

    /// <summary>What a key of the Secret holds.</summary>
    /// <param name="age">"old", "new".</param>
    /// <param name="key">One of <see cref="All"/>.</param>
    public static string Password(string age, string key) => $"{age} \"{key}\" ä";

    /// <summary>All passwords of an age.</summary>
    public static GroupPasswords Passwords(string age) => new()
    {
        Redis = Password(age, "redis-password"),
        Replication = Password(age, "replication-password"),
        SentinelAuth = Password(age, "sentinel-auth-password"),
        Sidecar = Password(age, "sidecar-password"),
        Sentinel = Password(age, "sentinel-password"),
    };

    /// <summary>The file of a key at a node.</summary>
    public string FileOf(LocalNode node, string key) => Path.Combine(_folder.File(node.Name, "data"), key);

    /// <summary>The Secret reaches a node. What starts there from now on is pointed to it.</summary>
    /// <param name="node">Which.</param>
    /// <param name="current">The age of each <c>KEY</c>.</param>
    /// <param name="previous">That of each <c>KEY-previous</c>; null: the Secret has none.</param>
    public void Put(LocalNode node, string current, string? previous)
    {
        var target = _folder.Folder(
            node.Name, string.Create(CultureInfo.InvariantCulture, $"generation-{Interlocked.Increment(ref _generation)}"));
        foreach (var (variable, key) in All)
        {
            File.WriteAllText(Path.Combine(target, key), Password(current, key));
            if (previous is not null) File.WriteAllText(Path.Combine(target, key + "-previous"), Password(previous, key));
            node.Environment.TryAdd(variable + "_FILE", FileOf(node, key));
        }

        var link = _folder.File(node.Name, "link");
        File.CreateSymbolicLink(link, target);
        // rename(2) over the other link, as kubelet does it; File.Move does not take a link to a folder.
        if (Command.Run("mv", "-T", link, _folder.File(node.Name, "data")) is { } error) throw new IOException(error);
    }

    /// <summary>Deletes the folders.</summary>
    public void Dispose() => _folder.Dispose();
}
