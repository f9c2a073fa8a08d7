using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Lineage;

public class FencingTokenTests
{
    internal static readonly Arbitrary<FencingToken> Tokens =
        (from term in Gen.Choose(0, 3)
         from epoch in Gen.Choose(0, 3)
         from rev in Gen.Choose(0, 3)
         select new FencingToken(term, epoch, rev)).ToArbitrary();

    [Fact]
    public void Term_counts_before_epoch_and_epoch_before_rev()
    {
        Assert.True(new FencingToken(2, 0, 0) > new FencingToken(1, 99, 99));
        Assert.True(new FencingToken(1, 2, 0) > new FencingToken(1, 1, 99));
        Assert.True(new FencingToken(1, 1, 2) > new FencingToken(1, 1, 1));
        Assert.True(FencingToken.None < new FencingToken(0, 0, 1));
    }

    [Fact]
    public void Order_is_that_of_the_numbers_padded_to_text() => Prop.ForAll(Tokens, Tokens, (a, b) =>
        Math.Sign(a.CompareTo(b)) == Math.Sign(string.CompareOrdinal(a.ToString(), b.ToString())) // one digit each
        && a < b == (b > a) && a <= b == !(a > b) && (a == b) == (a.CompareTo(b) == 0)).QuickCheckThrowOnFailure();

    [Fact]
    public void Text_reads_back() =>
        Prop.ForAll(Tokens, t => FencingToken.TryParse(t.ToString(), out var back) && back == t).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("1.2")]
    [InlineData("1.2.3.4")]
    [InlineData("1..3")]
    [InlineData("-1.0.0")]
    [InlineData("+1.0.0")]
    [InlineData(" 1.0.0")]
    [InlineData("01.0.0")]
    [InlineData("1.0.0\0")]
    [InlineData("1.0.9223372036854775808")]
    public void What_is_no_token_is_refused(string text) => Assert.False(FencingToken.TryParse(text, out _));
}
