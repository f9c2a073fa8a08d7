using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Sidecars.Faults.Hosts;
using Sidecars.TestKit.FakeRoute53;

namespace Sidecars.Faults.Checks;

/// <summary>
/// Follows every write to the EndpointSlice and to the DNS record: a token never goes back, and one token never stands for two
/// addresses (I5); and it is a pod's own address (I6). Reads both by itself, apart from Core's readers: what judges them must not share
/// their mistakes.
/// </summary>
internal sealed class RecordWatch
{
    private readonly ConcurrentQueue<Violation> _violations = new();
    private readonly Dictionary<string, (long[] Token, string Address)> _last = [];
    private readonly Lock _gate = new();

    private readonly HostGroup _group;

    public RecordWatch(HostGroup group)
    {
        _group = group;
        group.Api.Objects.Written = (resource, written) =>
        {
            if (resource.StartsWith("endpointslices", StringComparison.Ordinal)) Slice(written);
        };
        group.Route53.Zone.Changed = Zone;
    }

    /// <summary>What was found.</summary>
    public IReadOnlyCollection<Violation> Violations => _violations;

    /// <summary>Writes seen.</summary>
    public int Writes { get; private set; }

    private void Slice(JsonObject slice)
    {
        var token = slice["metadata"]?["annotations"]?["sidecars.redis/token"]?.GetValue<string>();
        var address = (slice["endpoints"] as JsonArray)?.FirstOrDefault()?["addresses"]?[0]?.GetValue<string>();
        if (token is not null) Note("EndpointSlice", [.. token.Split('.').Select(Number)], address ?? "");
    }

    private void Zone(IReadOnlyList<FakeRecordSet> sets)
    {
        var text = sets.FirstOrDefault(set => set.Type == "TXT")?.Values[0].Trim('"');
        if (text is null) return;
        var fields = text.Split(';').Select(field => field.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        Note("DNS record", [Number(fields["term"]), Number(fields["epoch"]), Number(fields["rev"])],
            sets.FirstOrDefault(set => set.Type == "A")?.Values[0] ?? "");
    }

    private void Note(string place, long[] token, string address)
    {
        lock (_gate)
        {
            Writes++;
            if (address.Length > 0 && !_group.World.WasRedisPod(address))
            {
                var what = $"the {place} with token {string.Join('.', token)} names {address}, which was never";
                _violations.Enqueue(new Violation("I6", what + " the address of a Redis' pod of the group"));
            }

            if (_last.TryGetValue(place, out var last))
            {
                var order = token.Zip(last.Token, (a, b) => a.CompareTo(b)).FirstOrDefault(c => c != 0);
                if (order < 0)
                    _violations.Enqueue(new Violation("I5",
                        $"the {place} went back from {string.Join('.', last.Token)} ({last.Address}) to {string.Join('.', token)} "
                        + $"({address})"));
                else if (order == 0 && address != last.Address)
                    _violations.Enqueue(new Violation(
                        "I5", $"the {place} moved from {last.Address} to {address} with the same token {string.Join('.', token)}"));
            }

            _last[place] = (token, address);
        }
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
