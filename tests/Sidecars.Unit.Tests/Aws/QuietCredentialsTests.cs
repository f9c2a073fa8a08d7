using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Unit.Tests.Failover.Loops;
using Xunit.Abstractions;

namespace Sidecars.Unit.Tests.Aws;

/// <summary>Credentials that nobody needs for a day; <c>Contract.Tests/Credentials</c> has a day of requests.</summary>
[Collection(QuietDays.Name)]
public sealed class QuietCredentialsTests(ITestOutputHelper output)
{
    [Fact]
    [QuietDayOf(typeof(RotatingCredentials))]
    public async Task Their_source_is_asked_by_nobody_for_a_quiet_day_and_once_by_the_next_request()
    {
        var time = new VirtualTime();
        var asked = 0;
        var credentials = new RotatingCredentials(
            _ => Task.FromResult(new ResolvedCredentials(
                new ImmutableCredentials($"AKID{++asked}", "secret", "token"), time.GetUtcNow().AddHours(1), IsRefreshedBySource: true)),
            time, () => 0.5);
        Assert.Equal("AKID1", (await credentials.GetCredentialsAsync()).AccessKey);
        QuietDay.Pass(time, () => time.Sleepers == 0, output);
        Assert.Equal(1, asked);
        Assert.Equal("AKID2", (await credentials.GetCredentialsAsync()).AccessKey);
        Assert.Equal((2, QuietDay.Length), (asked, time.Now));
    }
}
