using Sidecars.Manifests.Tests.Rendering;
using YamlDotNet.RepresentationModel;

namespace Sidecars.Manifests.Tests.Policies;

/// <summary>The "restricted" Pod Security Standard for what our pods use, and our own additions (read-only root, numeric user).</summary>
public static class RestrictedPods
{
    private static readonly string[] VolumeTypes = ["emptyDir", "configMap", "secret", "persistentVolumeClaim"];

    /// <summary>One sentence for each violation.</summary>
    public static IEnumerable<string> Violations(YamlNode? pod)
    {
        var security = pod.At("securityContext");
        if (security.Text("runAsNonRoot") != "true") yield return "runAsNonRoot is not true";
        if (security.Number("runAsUser") is null or 0) yield return "runAsUser is not a number above 0, so that kubelet can't tell";
        if (security.Text("seccompProfile", "type") != "RuntimeDefault") yield return "seccompProfile is not RuntimeDefault";
        foreach (var field in new[] { "hostNetwork", "hostPID", "hostIPC" })
            if (pod.At(field) is not null) yield return $"{field} is set";
        foreach (var volume in pod.Items("volumes"))
            if (!VolumeTypes.Any(type => volume.At(type) is not null)) yield return $"volume {volume.Text("name")} is of another type";
        foreach (var container in pod.Items("initContainers").Concat(pod.Items("containers")))
        {
            var (name, own) = (container.Text("name"), container.At("securityContext"));
            if (own.Text("allowPrivilegeEscalation") != "false") yield return $"{name}: allowPrivilegeEscalation is not false";
            if (own.Text("readOnlyRootFilesystem") != "true") yield return $"{name}: the root file system is writable";
            if (!own.Texts("capabilities", "drop").SequenceEqual(["ALL"])) yield return $"{name}: capabilities are not dropped";
            if (own.At("capabilities", "add") is not null) yield return $"{name}: capabilities are added";
            if (own.Text("runAsNonRoot") is "false" || own.Number("runAsUser") is 0) yield return $"{name}: root";
        }
    }
}
