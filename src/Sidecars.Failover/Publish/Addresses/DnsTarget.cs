using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Sidecars.Failover.Publish.Addresses;

/// <summary>What the name leads to: an address (A, AAAA) or another name (CNAME). One target has one text.</summary>
public sealed record DnsTarget
{
    private DnsTarget(string type, string value) => (Type, Value) = (type, value);

    /// <summary><c>A</c>, <c>AAAA</c> or <c>CNAME</c>.</summary>
    public string Type { get; }

    /// <summary>The address in canonical text, or the name in lower case without its last dot.</summary>
    public string Value { get; }

    /// <summary>Reads an address or a name. Short forms of addresses (<c>10.1</c>) are refused, as is a name of digits alone.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out DnsTarget? target)
    {
        target = null;
        if (string.IsNullOrEmpty(text)) return false;
        if (IPAddress.TryParse(text, out var address))
        {
            var isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
            if (isV6 ? address.ScopeId != 0 : address.ToString() != text) return false;
            target = new DnsTarget(isV6 ? "AAAA" : "A", address.ToString());
            return true;
        }

        var name = DnsName.Normalize(text);
        if (!DnsName.IsName(name) || name[(name.LastIndexOf('.') + 1)..].All(char.IsAsciiDigit)) return false;
        target = new DnsTarget("CNAME", name);
        return true;
    }

    /// <summary><see cref="Value"/>.</summary>
    public override string ToString() => Value;
}

/// <summary>Names as they are compared: lower case, without the last dot.</summary>
public static class DnsName
{
    /// <summary>
    /// Lower case, without the last dot; Route53 writes what is no letter, digit, <c>-</c>, <c>_</c> or <c>.</c> as an octal escape, which
    /// stays.
    /// </summary>
    public static string Normalize(string name) => (name.EndsWith('.') ? name[..^1] : name).ToLowerInvariant();

    /// <summary>Returns true for labels of 1..63 letters, digits, hyphens and underscores, with at most 253 characters together.</summary>
    public static bool IsName(string name)
    {
        if (name.Length is 0 or > 253) return false;
        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-'
                || !label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
                return false;
        }

        return true;
    }
}
