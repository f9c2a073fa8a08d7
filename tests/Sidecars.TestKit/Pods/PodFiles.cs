using System.Net;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.Pods;

/// <summary>
/// What kubelet writes for a pod: a hosts file with the pod's own name and address, and a resolv.conf. <c>ip netns exec</c> mounts
/// the files of <c>/etc/netns/NAME</c> over those of <c>/etc</c>, in a mount namespace of the program that it becomes.
/// </summary>
internal static class PodFiles
{
    /// <summary>Where ip-netns(8) looks for them.</summary>
    public const string Root = "/etc/netns";

    /// <summary>Writes them.</summary>
    public static void Write(string networkNamespace, IPAddress address, IEnumerable<string> names)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, networkNamespace)).FullName;
        File.WriteAllText(Path.Combine(folder, "hosts"), $"""
            # Kubernetes-managed hosts file.
            127.0.0.1	localhost
            ::1	localhost ip6-localhost ip6-loopback
            {address}	{string.Join('\t', names)}

            """);
        File.WriteAllText(Path.Combine(folder, "resolv.conf"), $"""
            search {PodNames.Space}.svc.{PodNames.Domain} svc.{PodNames.Domain} {PodNames.Domain}
            nameserver {NetworkHosts.NameServer}
            options ndots:5

            """);
        // The machine's own may ask for more than these two, such as a multicast name server.
        File.WriteAllText(Path.Combine(folder, "nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
    }

    /// <summary>Deletes them.</summary>
    public static void Delete(string networkNamespace)
    {
        var folder = Path.Combine(Root, networkNamespace);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
