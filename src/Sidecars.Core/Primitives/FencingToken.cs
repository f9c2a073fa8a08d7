using System.Globalization;

namespace Sidecars.Core.Primitives;

/// <summary>
/// What decides whose word counts: compared term first, then epoch, then rev. An older token never overwrites a newer one,
/// anywhere. Two masters can hold tokens of equal term and epoch (SENTINEL FAILOVER takes no vote), so equality proves nothing.
/// </summary>
/// <param name="Term">Raised by each election of the group through the Lease; 0 before the first.</param>
/// <param name="Epoch">Sentinel's config-epoch of the master; 0 before the first failover.</param>
/// <param name="Rev">Raised when the address that the same master publishes changes.</param>
public readonly record struct FencingToken(long Term, long Epoch, long Rev) : IComparable<FencingToken>
{
    /// <summary>Longest text: three numbers of 19 digits and two dots.</summary>
    public const int MaxTextLength = (3 * 19) + 2;

    /// <summary>The token of a group that has never had a master: lower than every other.</summary>
    public static FencingToken None => default;

    /// <summary>
    /// Reads <c>term.epoch.rev</c>: decimal digits, no sign, no white space, no leading zeros, so that one token has one text.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out FencingToken token)
    {
        token = default;
        if (text.Length > MaxTextLength) return false;
        var first = text.IndexOf('.');
        if (first < 0) return false;
        var rest = text[(first + 1)..];
        var second = rest.IndexOf('.');
        if (second < 0) return false;
        if (!TryPart(text[..first], out var term) || !TryPart(rest[..second], out var epoch) || !TryPart(rest[(second + 1)..], out var rev))
            return false;
        token = new FencingToken(term, epoch, rev);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(FencingToken other) => (Term, Epoch, Rev).CompareTo((other.Term, other.Epoch, other.Rev));

    /// <summary>Strictly older.</summary>
    public static bool operator <(FencingToken left, FencingToken right) => left.CompareTo(right) < 0;

    /// <summary>Strictly newer.</summary>
    public static bool operator >(FencingToken left, FencingToken right) => left.CompareTo(right) > 0;

    /// <summary>Older or equal.</summary>
    public static bool operator <=(FencingToken left, FencingToken right) => left.CompareTo(right) <= 0;

    /// <summary>Newer or equal.</summary>
    public static bool operator >=(FencingToken left, FencingToken right) => left.CompareTo(right) >= 0;

    /// <summary><c>term.epoch.rev</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Term}.{Epoch}.{Rev}");

    // Digits are checked here because long.TryParse takes NUL characters after them.
    private static bool TryPart(ReadOnlySpan<char> text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
        && !text.ContainsAnyExceptInRange('0', '9') && (text.Length == 1 || text[0] != '0');
}
