using System.Net;
using System.Net.Sockets;

namespace Sidecars.TestKit.FakeRoute53;

/// <summary>A record set, as the fake keeps it. <paramref name="Special"/>: XML that makes it an alias or one of several.</summary>
public sealed record FakeRecordSet(
    string Name, string Type, long? Ttl, IReadOnlyList<string> Values, string? SetIdentifier = null, string Special = "")
{
    internal string Key => $"{Name}|{Type}|{SetIdentifier}";

    // The API's order: labels from the right, then the type.
    internal string Order => string.Join('.', Name.TrimEnd('.').Split('.').Reverse()) + ".\0" + Type + "\0" + SetIdentifier;

    internal bool SameAs(FakeRecordSet other) =>
        Key == other.Key && Ttl == other.Ttl && Special == other.Special && Values.SequenceEqual(other.Values);
}

/// <summary>One step of a batch.</summary>
internal sealed record FakeChange(string Action, FakeRecordSet Set);

/// <summary>The rules of a hosted zone. Names end with a dot. Not safe for concurrent use.</summary>
public sealed class FakeZone(string name)
{
    private const int MaxRecords = 1000;
    private const int MaxCharacters = 32_000;
    private SortedDictionary<string, FakeRecordSet> _sets = new(StringComparer.Ordinal);

    public string Name => name;

    /// <summary>Called after each batch that was applied.</summary>
    public Action<IReadOnlyList<FakeRecordSet>>? Changed { get; set; }

    public IReadOnlyList<FakeRecordSet> Sets => [.. _sets.Values];

    /// <summary>Another hand: the console, another tool.</summary>
    public void Put(FakeRecordSet set) => _sets[set.Order] = set;

    public void Remove(string recordName, string type)
    {
        foreach (var set in _sets.Values.Where(set => set.Name == recordName && set.Type == type).ToList()) _ = _sets.Remove(set.Order);
    }

    /// <summary>All or nothing; the messages of what was refused, in the words of the service.</summary>
    internal IReadOnlyList<string> Apply(IReadOnlyList<FakeChange> changes)
    {
        var values = changes.SelectMany(
            change => change.Set.Values.Select(value => (Value: value, Weight: change.Action == "UPSERT" ? 2 : 1))).ToList();
        if (values.Sum(value => value.Weight) > MaxRecords) return [$"Number of records limit of {MaxRecords} exceeded."];
        if (values.Sum(value => value.Value.Length * value.Weight) > MaxCharacters)
            return [$"Number of characters limit of {MaxCharacters} exceeded."];
        var after = new SortedDictionary<string, FakeRecordSet>(_sets, StringComparer.Ordinal);
        var refused = changes.Select(change => Apply(after, change)).OfType<string>().ToList();
        if (refused.Count > 0) return refused;
        _sets = after;
        Changed?.Invoke(Sets);
        return refused;
    }

    private string? Apply(SortedDictionary<string, FakeRecordSet> sets, FakeChange change)
    {
        var set = change.Set;
        var label = $"[name='{set.Name}', type='{set.Type}']";
        if (set.Name != name && !set.Name.EndsWith("." + name, StringComparison.Ordinal))
            return $"RRSet with DNS name {set.Name} is not permitted in zone {name}";
        if (Invalid(set) is { } invalid) return $"Invalid Resource Record: {invalid}";
        var current = sets.Values.SingleOrDefault(one => one.Key == set.Key);
        switch (change.Action)
        {
            case "DELETE" when current is null: return $"Tried to delete resource record set {label} but it was not found";
            case "DELETE" when !current!.SameAs(set):
                return $"Tried to delete resource record set {label} but the values provided do not match the current values";
            case "DELETE":
                _ = sets.Remove(set.Order);
                return null;
            case "CREATE" when sets.Values.Any(one => one.Name == set.Name && one.Type == set.Type):
                return $"Tried to create resource record set {label} but it already exists";
            case "CREATE" or "UPSERT":
                if (sets.Values.Any(one => one.Name == set.Name && one.Type != set.Type && (one.Type == "CNAME" || set.Type == "CNAME")))
                    return $"RRSet of type {set.Type} with DNS name {set.Name} is not permitted as it conflicts with other records with "
                        + $"the same DNS name in zone {name}";
                sets[set.Order] = set;
                return null;
            default: return $"unknown action {change.Action}";
        }
    }

    private static string? Invalid(FakeRecordSet set)
    {
        if (set.Special.Length == 0 && (set.Ttl is not (>= 0 and <= int.MaxValue) || set.Values.Count == 0))
            return "Missing field 'TTL' or 'ResourceRecords'";
        return set.Values.FirstOrDefault(value => !IsValid(set.Type, value)) is { } bad
            ? $"FATAL problem: InvalidValue encountered with '{bad}'"
            : null;
    }

    private static bool IsValid(string type, string value) => type switch
    {
        "A" => IPAddress.TryParse(value, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && v4.ToString() == value,
        "AAAA" => IPAddress.TryParse(value, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        "TXT" => value.Split("\" \"").All(part => part.Trim('"').Length <= 255) && value.Length > 1 && value[0] == '"' && value[^1] == '"',
        _ => value.Length > 0,
    };
}
