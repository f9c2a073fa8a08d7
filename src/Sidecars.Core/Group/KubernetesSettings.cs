using Sidecars.Core.Hosting;
using Sidecars.Core.Kubernetes;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Group;

/// <summary>What a pod needs to speak for itself at its cluster's API server; read alike by every executable.</summary>
/// <param name="Config">Where the API server is, and the namespace.</param>
/// <param name="LeaseName">Name of the group's Lease, and prefix of the evidence and slot Leases.</param>
/// <param name="PodName">Name of this pod.</param>
/// <param name="PodUid">UID of this pod: a StatefulSet gives a name again, never a UID.</param>
public sealed record KubernetesSettings(KubernetesConfig Config, string LeaseName, string PodName, string PodUid)
{
    /// <summary>Longest <see cref="LeaseName"/>: names of evidence Leases append a pod name to it.</summary>
    public const int MaxLeaseName = 40;

    /// <summary>
    /// Reads the settings; null where the process runs in no cluster, or where <see cref="SettingReader.Errors"/> has grown.
    /// </summary>
    /// <param name="settings">The variables.</param>
    /// <param name="host"><c>KUBERNETES_SERVICE_HOST</c>; null where it is not set.</param>
    /// <param name="cluster">The second half of its id is the default name of the Lease.</param>
    /// <param name="podName">The pod's name.</param>
    /// <param name="space"><c>POD_NAMESPACE</c>; null where it is not set.</param>
    /// <param name="uid"><c>POD_UID</c>; null where it is not set.</param>
    public static KubernetesSettings? Read(
        SettingReader settings, string? host, ClusterId? cluster, string podName, string? space, string? uid)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var port = settings.Port("KUBERNETES_SERVICE_PORT", 443, "Port of the API server.", isRemote: true);
        var folder = settings.Path("SERVICE_ACCOUNT_DIR", KubernetesConfig.ServiceAccountFolder,
            "Directory of the projected token and ca.crt, which are read again as they rotate.");
        var lease = settings.OptionalText("LEASE_NAME",
            "Name of the group's Lease, and prefix of its evidence and slot Leases: 1..40 of a-z 0-9 -. Default: the name in CLUSTER_ID.")
            ?? DefaultLease(cluster);
        if (host is null || space is null || uid is null) return null;

        var errors = settings.Errors.Count;
        if (lease.Length > MaxLeaseName || !KubernetesName.IsLabel(lease))
            settings.Fail($"LEASE_NAME is '{lease}'; it must be 1..{MaxLeaseName} of a-z 0-9 -");
        if (!KubernetesName.IsLabel(space)) settings.Fail($"POD_NAMESPACE is '{space}'; it must be 1..63 of a-z 0-9 -");
        if (uid.Length > 64 || !uid.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            settings.Fail("POD_UID must be 1..64 letters, digits or -");
        if (!KubernetesName.IsSubdomain(podName)) settings.Fail($"NODE_NAME is '{podName}'; in a cluster it must be the pod's name");
        if (settings.Errors.Count > errors) return null;
        try
        {
            return new KubernetesSettings(KubernetesConfig.InCluster(host, port, space, folder), lease, podName, uid);
        }
        catch (ArgumentException)
        {
            settings.Fail($"KUBERNETES_SERVICE_HOST is '{host}'; it must be a name or an address");
            return null;
        }
    }

    private static string DefaultLease(ClusterId? cluster)
    {
        var name = cluster?.Value.Split('/')[^1].ToLowerInvariant().Replace('.', '-').Replace('_', '-').Trim('-') ?? "redis";
        return name.Length == 0 ? "redis" : name[..Math.Min(name.Length, MaxLeaseName)].TrimEnd('-');
    }
}
