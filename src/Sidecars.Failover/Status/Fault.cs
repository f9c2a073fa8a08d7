using System.Collections.Immutable;

namespace Sidecars.Failover.Status;

/// <summary>One observation of something that does not fit, before the same one of several servers is put together.</summary>
/// <param name="Code">What it is called.</param>
/// <param name="Subject">The server or place that it is about; null: the group.</param>
/// <param name="Detail">What is seen of it.</param>
/// <param name="ToDo">What to do about it.</param>
/// <param name="Because">The finding that explains it, earlier in <see cref="FindingCodes"/>; null: nothing that is known does.</param>
internal sealed record Fault(FindingCode Code, string? Subject, string Detail, string ToDo, FindingCode? Because = null);

/// <summary>
/// Observations → findings: what is the same for several servers is one finding, and a cause stands before all that it explains. Pure.
/// </summary>
internal static class FaultOrder
{
    public static ImmutableArray<Finding> Of(IEnumerable<Fault> faults)
    {
        var all = faults.ToList();
        var codes = all.Select(f => f.Code).ToHashSet();
        var known = all.Select(f => f.Because is { } because && !codes.Contains(because) ? f with { Because = null } : f).ToList();
        var causes = known.DistinctBy(f => f.Code).ToDictionary(f => f.Code, f => f.Because);
        return
        [
            .. known.GroupBy(f => (f.Code, f.Detail, f.ToDo, f.Because))
                .OrderBy(g => Rank(g.Key.Because is { } because ? Root(because, causes) : g.Key.Code))
                .ThenBy(g => g.Key.Because is not null).ThenBy(g => Rank(g.Key.Code))
                .Select(g => Merged(g.First(), [.. Subjects(g)])),
        ];
    }

    private static FindingCode Root(FindingCode code, Dictionary<FindingCode, FindingCode?> causes) =>
        causes[code] is { } because ? Root(because, causes) : code;

    private static IEnumerable<string> Subjects(IEnumerable<Fault> same) =>
        same.Select(f => f.Subject).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static int Rank(FindingCode code) => FindingCodes.All.IndexOf(code);

    private static Finding Merged(Fault fault, ImmutableArray<string> subjects) => new(
        fault.Code.Kind, fault.Code.Name, fault.Because?.Name, subjects,
        subjects.IsEmpty ? fault.Detail : $"{string.Join(", ", subjects)}: {fault.Detail}", fault.ToDo);
}
