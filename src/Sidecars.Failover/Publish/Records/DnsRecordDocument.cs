using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish.Addresses;

namespace Sidecars.Failover.Publish.Records;

/// <summary>
/// The TXT record beside the address: <c>v=1;cluster=NS/NAME;term=N;epoch=N;rev=N;addr=ADDRESS</c>, in this order and nothing
/// else, so that one state has one text and a deletion can name it exactly. As the value of a record: quoted strings of at most 255
/// characters (RFC 1035 §3.3.14), which are joined.
/// </summary>
public static class DnsRecordDocument
{
    /// <summary>Longest text accepted: the six fields at their longest, rounded up.</summary>
    public const int MaxLength = 600;

    private const int MaxString = 255;
    private static readonly string[] Fields = ["v", "cluster", "term", "epoch", "rev", "addr"];

    /// <summary>Writes the value of the TXT record, quoted.</summary>
    public static string Write(DnsRecordState state)
    {
        var token = state.Token;
        var text = string.Create(CultureInfo.InvariantCulture,
            $"v=1;cluster={state.Cluster.Value};term={token.Term};epoch={token.Epoch};rev={token.Rev};addr={state.Target.Value}");
        var value = new StringBuilder();
        for (var start = 0; start < text.Length; start += MaxString)
            value.Append(start == 0 ? "" : " ").Append('"').Append(text, start, Math.Min(MaxString, text.Length - start)).Append('"');
        return value.ToString();
    }

    /// <summary>Reads the value of a TXT record.</summary>
    /// <param name="value">As the zone has it, quotes included.</param>
    /// <param name="state">What it says.</param>
    /// <param name="isNewer">True where a later version than this one wrote it: ours perhaps, but not to be judged here.</param>
    public static bool TryParse(string value, [NotNullWhen(true)] out DnsRecordState? state, out bool isNewer)
    {
        (state, isNewer) = (null, false);
        if (value.Length > MaxLength || !TryUnquote(value, out var text)) return false;
        var parts = text.Split(';');
        isNewer = IsNewer(parts[0]);
        if (parts.Length != Fields.Length || parts[0] != "v=1") return false;
        for (var i = 1; i < parts.Length; i++)
        {
            if (!parts[i].StartsWith(Fields[i] + "=", StringComparison.Ordinal)) return false;
            parts[i] = parts[i][(Fields[i].Length + 1)..];
        }

        if (!ClusterId.TryParse(parts[1], out var cluster)) return false;
        if (!FencingToken.TryParse($"{parts[2]}.{parts[3]}.{parts[4]}", out var token)) return false;
        if (!DnsTarget.TryParse(parts[5], out var target) || target.Value != parts[5]) return false;
        state = new DnsRecordState { Cluster = cluster, Token = token, Target = target };
        return true;
    }

    private static bool IsNewer(string version) =>
        version.StartsWith("v=", StringComparison.Ordinal) && version.Length is > 2 and < 6
        && !version.AsSpan(2).ContainsAnyExceptInRange('0', '9') && version is not ("v=0" or "v=1");

    // Printable ASCII without escapes: ours never has any, and whatever has them is not ours.
    private static bool TryUnquote(string value, out string text)
    {
        var joined = new StringBuilder();
        text = "";
        var at = 0;
        while (at < value.Length)
        {
            if (at > 0 && value[at++] != ' ') return false;
            if (at >= value.Length || value[at] != '"') return false;
            var end = value.IndexOf('"', at + 1);
            if (end < 0 || end - at - 1 > MaxString) return false;
            joined.Append(value, at + 1, end - at - 1);
            at = end + 1;
        }

        text = joined.ToString();
        return text.Length > 0 && text.All(c => c is >= ' ' and <= '~' and not '\\');
    }
}
