using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;

namespace Sidecars.Failover.Publish.Targets.Zone;

/// <summary>
/// A zone file (RFC 1035 §5): every line that is no record of ours stays as it is. Understood are records on one line with a full
/// name and a TTL (<c>name. 5 IN A 10.0.0.1</c>), which is how they are written here; and the serial of a SOA on one line, which is
/// raised with each change, since that is how name servers notice one.
/// </summary>
public sealed class ZoneFileDocument
{
    private readonly List<string> _lines;

    private ZoneFileDocument(List<string> lines) => _lines = lines;

    /// <summary>Reads any text.</summary>
    public static ZoneFileDocument Parse(string text)
    {
        List<string> lines = [.. text.Split('\n')];
        if (lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return new ZoneFileDocument(lines);
    }

    /// <summary>The record sets at some names.</summary>
    public ImmutableArray<DnsRecordSet> SetsAt(params string[] names) =>
    [
        .. _lines.Select(Record.Of).OfType<Record>().Where(record => names.Contains(record.Name))
            .GroupBy(record => (record.Name, record.Type))
            .Select(group => new DnsRecordSet
            {
                Name = group.Key.Name, Type = group.Key.Type, TtlSeconds = group.First().Ttl,
                Values = [.. group.Select(record => record.Value)]
            }),
    ];

    /// <summary>Applies a change as a whole; null, or why nothing of it can be.</summary>
    public string? Apply(DnsChange change)
    {
        foreach (var delete in change.Deletes)
        {
            if (!SetsAt(delete.Name).Any(delete.SameAs)) return $"{delete} is not there (any more)";
        }

        foreach (var create in change.Creates)
        {
            var isReplaced = change.Deletes.Any(delete => delete.Name == create.Name && delete.Type == create.Type);
            if (!isReplaced && SetsAt(create.Name).Any(set => set.Type == create.Type))
                return $"{create.Type} of {create.Name} is there already";
        }

        _ = _lines.RemoveAll(line => Record.Of(line) is { } record
            && change.Deletes.Any(delete => delete.Name == record.Name && delete.Type == record.Type));
        foreach (var create in change.Creates)
        {
            foreach (var value in create.Values)
                _lines.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{create.Name}. {create.TtlSeconds} IN {create.Type} {value}{(create.Type == "CNAME" ? "." : "")}"));
        }

        for (var i = 0; i < _lines.Count; i++) _lines[i] = WithNextSerial(_lines[i]);
        return null;
    }

    /// <summary>Writes the file.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Concat(_lines.Select(line => line + "\n")));

    // name ttl IN SOA mname rname serial refresh retry expire minimum
    private static string WithNextSerial(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var soa = Array.IndexOf(words, "SOA");
        if (soa is < 1 or > 3 || words.Length != soa + 8
            || !uint.TryParse(words[soa + 3], NumberStyles.None, CultureInfo.InvariantCulture, out var serial))
            return line;
        words[soa + 3] = unchecked(serial + 1).ToString(CultureInfo.InvariantCulture); // wraps: RFC 1982
        return string.Join(' ', words);
    }

    private sealed class Record
    {
        public required string Name { get; init; }

        public required string Type { get; init; }

        public required long Ttl { get; init; }

        public required string Value { get; init; }

        public static Record? Of(string line)
        {
            var words = line.TrimEnd('\r').Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length != 5 || words[2] != "IN" || !words[0].EndsWith('.')) return null;
            if (!uint.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ttl) || !words[1].All(char.IsAsciiDigit))
                return null;
            return new Record
            {
                Name = DnsName.Normalize(words[0]),
                Type = words[3],
                Ttl = ttl,
                Value = words[3] == "CNAME" ? DnsName.Normalize(words[4]) : words[4]
            };
        }
    }
}
