using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>Settings that name a file, against what is mounted into the container that has them.</summary>
internal static class FileMounts
{
    // Where Secrets and ConfigMaps are mounted; what is elsewhere is on a volume or in the image.
    private static readonly string[] Roots = ["/etc/", "/run/", "/var/"];

    // Of the image: the authorities that docker/redis/Dockerfile copies.
    private const string OfImage = "/etc/ssl/certs/";

    /// <summary>One line for each setting that leads to nothing.</summary>
    public static string[] Missing(Rendered rendered) =>
    [
        .. from workload in rendered.Workloads.Concat(rendered.Jobs)
           from container in workload.Containers
           from setting in rendered.EnvironmentOf(container)
           where NamesAFile(setting.Key, setting.Value)
           let mistake = MistakeOf(workload, container, setting.Value!)
           where mistake is not null
           select $"{workload.Owner} {container.Text("name")}: {setting.Key}={setting.Value} {mistake}",
    ];

    /// <summary>True for what is named like a file or a folder and is below one of the folders where such are mounted.</summary>
    public static bool NamesAFile(string name, string? value) =>
        (name.EndsWith("_FILE", StringComparison.Ordinal) || name.EndsWith("_DIR", StringComparison.Ordinal))
        && value is not null && !value.StartsWith(OfImage, StringComparison.Ordinal)
        && Roots.Any(root => value.StartsWith(root, StringComparison.Ordinal));

    /// <summary>True where a path is a mount or is in it.</summary>
    public static bool Covers(string mount, string path) => $"{path}/".StartsWith($"{mount.TrimEnd('/')}/", StringComparison.Ordinal);

    private static string? MistakeOf(Workload workload, YamlNode container, string path)
    {
        var mount = container.Items("volumeMounts").FirstOrDefault(mount => Covers(mount.Text("mountPath")!, path));
        if (mount is null) return "is not mounted";
        var volume = workload.Pod.Items("volumes").Single(volume => volume.Text("name") == mount.Text("name"));
        // A pod waits for a Secret that it needs; without an optional one it starts, and the container ends at its missing file.
        return volume.Text("secret", "optional") == "true" ? "is in a Secret that is optional" : null;
    }
}
