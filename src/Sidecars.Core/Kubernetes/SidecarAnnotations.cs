using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sidecars.Core.Lineage;

namespace Sidecars.Core.Kubernetes;

/// <summary>Why the annotations of an object can't be believed.</summary>
/// <param name="Annotation">Its name, with the prefix.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record AnnotationFault(string Annotation, string Reason)
{
    /// <summary>For the log.</summary>
    public override string ToString() => $"annotation {Annotation}: {Reason}";
}

/// <summary>The names of the annotations, and what all of them share.</summary>
public static class SidecarAnnotations
{
    /// <summary>Of every annotation that is ours. Others are never touched.</summary>
    public const string Prefix = "sidecars.redis/";

    /// <summary>Format of all annotations of the object, see <see cref="FormatVersion"/>.</summary>
    public const string Format = Prefix + "format";

    /// <summary>Cluster id of the tenant: an object of another tenant is a fault, never a fact.</summary>
    public const string Cluster = Prefix + "cluster-id";

    /// <summary>
    /// The format that is written. One that is higher by one is read too, and its number and unknown annotations are
    /// kept: two neighbouring versions of the executables run side by side during an upgrade.
    /// </summary>
    public const int FormatVersion = 1;

    /// <summary>Longest value that is parsed, characters; the API server bounds all annotations of an object to 256 KiB.</summary>
    public const int MaxValue = 64 * 1024;

    /// <summary>True where the object has any annotation of ours.</summary>
    internal static bool AnyIn(LeaseDocument lease) => lease.Annotations.Keys.Any(k => k.StartsWith(Prefix, StringComparison.Ordinal));

    /// <summary>Checks format and tenant; the first thing every reader does.</summary>
    internal static AnnotationFault? Check(LeaseDocument lease, string clusterId)
    {
        if (!TryGetNumber(lease, Format, 1, FormatVersion + 1, out _, out var fault)) return fault;
        var cluster = Get(lease, Cluster);
        return cluster == clusterId ? null : new AnnotationFault(Cluster, cluster is null ? "is missing" : "names another cluster");
    }

    /// <summary>The annotations of <paramref name="basis"/> with format and tenant set; a newer format's number is kept.</summary>
    internal static Dictionary<string, string?> Begin(LeaseDocument basis, string clusterId)
    {
        var annotations = new Dictionary<string, string?>(basis.Annotations, StringComparer.Ordinal);
        var newer = TryGetNumber(basis, Format, 1, FormatVersion + 1, out var format, out _) && format > FormatVersion;
        if (!newer) annotations[Format] = FormatVersion.ToString(CultureInfo.InvariantCulture);
        annotations[Cluster] = clusterId;
        return annotations;
    }

    internal static string? Get(LeaseDocument lease, string name) => lease.Annotations.GetValueOrDefault(name);

    /// <summary>A required whole number, digits only.</summary>
    internal static bool TryGetNumber(
        LeaseDocument lease, string name, long min, long max, out long value, [NotNullWhen(false)] out AnnotationFault? fault)
    {
        value = 0;
        fault = Get(lease, name) is not { } text ? new AnnotationFault(name, "is missing")
            : !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
            ? new AnnotationFault(name, "is no whole number")
            : value < min || value > max ? new AnnotationFault(name, $"is not in {min}..{max}")
            : null;
        return fault is null;
    }

    /// <summary>
    /// One annotation of JSON. Null where there is none, and where it is wrong: then <paramref name="fault"/> names it. Once there is a
    /// fault nothing is read any more.
    /// </summary>
    internal static T? Read<T>(LeaseDocument lease, string name, JsonValueKind kind, Func<JsonFacts, T?> read, ref AnnotationFault? fault)
        where T : class
    {
        if (fault is not null || Get(lease, name) is not { } text) return null;
        if (text.Length > MaxValue)
        {
            fault = new AnnotationFault(name, $"is longer than {MaxValue} characters");
            return null;
        }

        if (!JsonFacts.TryParse(Encoding.UTF8.GetBytes(text), kind, out var facts, out var broken))
        {
            fault = new AnnotationFault(name, broken.Detail);
            return null;
        }

        var value = read(facts);
        if (facts.Fault is not { } wrong) return value;
        fault = new AnnotationFault(name, wrong.Detail);
        return null;
    }

    internal static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
