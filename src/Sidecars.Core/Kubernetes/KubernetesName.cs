using System.Globalization;

namespace Sidecars.Core.Kubernetes;

/// <summary>The two forms of names that objects here have (RFC 1123, as the API server validates them).</summary>
public static class KubernetesName
{
    /// <summary>Returns true for a label: 1..63 of <c>a-z 0-9 -</c>, beginning and ending with a letter or digit.</summary>
    public static bool IsLabel(string? name) =>
        name is { Length: >= 1 and <= 63 } && !name.Contains('.', StringComparison.Ordinal) && IsSubdomain(name);

    /// <summary>True for a subdomain, the form of Lease and Pod names: 1..253, labels of any length joined by dots.</summary>
    public static bool IsSubdomain(string? name)
    {
        if (name is not { Length: >= 1 and <= 253 }) return false;
        foreach (var part in name.Split('.'))
        {
            if (part.Length == 0 || part[0] == '-' || part[^1] == '-') return false;
            if (!part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')) return false;
        }

        return true;
    }

    /// <summary>Names the pod of another ordinal in the StatefulSet of this one, <c>NAME-ORDINAL</c>.</summary>
    public static string Sibling(string podName, int ordinal)
    {
        ArgumentNullException.ThrowIfNull(podName);
        var dash = podName.LastIndexOf('-');
        return string.Create(CultureInfo.InvariantCulture, $"{podName[..(dash < 0 ? podName.Length : dash)]}-{ordinal}");
    }
}
