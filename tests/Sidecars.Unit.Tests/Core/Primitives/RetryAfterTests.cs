using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Core.Primitives;

public sealed class RetryAfterTests
{
    private const string Sent = "Fri, 20 Nov 2026 10:00:00 GMT";

    [Theory]
    [InlineData("7", Sent, 7)]
    [InlineData("7", null, 7)]
    [InlineData("0", Sent, null)]
    [InlineData("-7", Sent, null)]
    [InlineData("86400", Sent, 60)]
    [InlineData("99999999999999999999", Sent, null)]
    [InlineData("soon", Sent, null)]
    [InlineData("", Sent, null)]
    [InlineData(null, Sent, null)]
    [InlineData("Fri, 20 Nov 2026 10:00:20 GMT", Sent, 20)]
    [InlineData("Fri, 20 Nov 2026 10:00:20 GMT", "soon", null)] // of a clock that is not known
    [InlineData("Fri, 20 Nov 2026 10:00:20 GMT", "20", null)]
    [InlineData("Fri, 20 Nov 2026 09:59:59 GMT", Sent, null)]
    [InlineData("Sun, 20 Nov 2033 10:00:00 GMT", Sent, 60)]
    public void It_is_read_in_both_its_forms_and_bounded(string? value, string? sent, int? seconds) =>
        Assert.Equal(seconds, RetryAfter.Read(value, sent)?.TotalSeconds);
}
