using System.Net;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests.Credentials;

/// <summary>When credentials are resolved anew, without a source.</summary>
public sealed class CredentialsPolicyTests
{
    private static readonly CredentialsFacts Held =
        new() { Age = TimeSpan.FromMinutes(10), SinceResolution = TimeSpan.FromMinutes(10), Lifetime = TimeSpan.FromHours(1) };

    [Fact]
    public void What_is_good_is_used_and_what_is_doubted_is_looked_for_with_pauses()
    {
        Assert.Equal(new CredentialsDecision.Resolve("none"), CredentialsPolicy.Decide(new CredentialsFacts()));
        Assert.Equal(
            new CredentialsDecision.Wait(TimeSpan.FromSeconds(0.25)),
            CredentialsPolicy.Decide(new CredentialsFacts { Unproven = 1, SinceResolution = TimeSpan.FromSeconds(0.25) }));
        Assert.Equal(new CredentialsDecision.Use(), CredentialsPolicy.Decide(Held));
        Assert.Equal(
            new CredentialsDecision.Resolve("invalid"), CredentialsPolicy.Decide(Held with { Refusal = CredentialsRefusal.Invalid }));
        Assert.Equal(
            new CredentialsDecision.Use(),
            CredentialsPolicy.Decide(
                Held with { Refusal = CredentialsRefusal.Invalid, Unproven = 9, SinceResolution = TimeSpan.FromSeconds(14) }));
        Assert.Equal(
            new CredentialsDecision.Resolve("denied"), CredentialsPolicy.Decide(Held with { Refusal = CredentialsRefusal.Denied }));
        Assert.Equal(
            new CredentialsDecision.Use(),
            CredentialsPolicy.Decide(Held with { Refusal = CredentialsRefusal.Denied, SinceDenied = TimeSpan.FromMinutes(4) }));
    }

    [Theory]
    [InlineData(3600, 44, "Use")]
    [InlineData(3600, 46, "Refresh")]
    [InlineData(3600, 60, "Resolve")]
    [InlineData(920, 11, "Use")]
    [InlineData(920, 12, "Refresh")]
    [InlineData(43200, 700, "Use")]
    [InlineData(43200, 706, "Refresh")]
    public void A_session_is_refreshed_in_its_last_quarter_or_quarter_of_an_hour(int seconds, int minutes, string decision) =>
        Assert.Equal(decision, CredentialsPolicy.Decide(
            Held with { Lifetime = TimeSpan.FromSeconds(seconds), Age = TimeSpan.FromMinutes(minutes) }).GetType().Name);

    [Theory]
    [InlineData(403, "InvalidAccessKeyId", CredentialsRefusal.Invalid)]
    [InlineData(403, "SignatureDoesNotMatch", CredentialsRefusal.Invalid)]
    [InlineData(400, "ExpiredToken", CredentialsRefusal.Invalid)]
    [InlineData(403, "InvalidClientTokenId", CredentialsRefusal.Invalid)]
    [InlineData(403, "UnrecognizedClientException", CredentialsRefusal.Invalid)]
    [InlineData(403, "AccessDenied", CredentialsRefusal.Denied)]
    [InlineData(403, "", CredentialsRefusal.Denied)]
    [InlineData(400, "RequestExpired", CredentialsRefusal.None)]
    [InlineData(403, "RequestTimeTooSkewed", CredentialsRefusal.None)]
    [InlineData(403, "InvalidObjectState", CredentialsRefusal.None)]
    [InlineData(400, "Throttling", CredentialsRefusal.None)]
    [InlineData(400, "", CredentialsRefusal.None)]
    [InlineData(503, "SlowDown", CredentialsRefusal.None)]
    public void Only_what_says_that_credentials_are_wrong_counts(int status, string code, CredentialsRefusal refusal) =>
        Assert.Equal(refusal, CredentialsPolicy.Classify((HttpStatusCode)status, code));

    [Theory]
    [InlineData(920, 130)]
    [InlineData(3600, 33)]
    public async Task A_day_of_requests_costs_as_many_sessions_as_it_has_of_their_lifetimes(int seconds, int most)
    {
        var time = new AheadTime();
        var resolved = 0;
        var credentials = new RotatingCredentials(
            _ => Task.FromResult(Session(time, Interlocked.Increment(ref resolved), seconds)), time, () => 0.5);
        for (var i = 0; i < 24 * 360; i++, time.Ahead += TimeSpan.FromSeconds(10))
        {
            _ = await credentials.GetCredentialsAsync();
            credentials.Accepted(credentials.Generation);
        }

        Assert.InRange(resolved, 24 * 3600 / seconds, most);
    }

    [Fact]
    public async Task A_source_that_fails_for_an_hour_is_asked_twice_a_minute_at_most_and_its_session_is_used_to_its_end()
    {
        var time = new AheadTime();
        var asked = 0;
        var credentials = new RotatingCredentials(
            _ => Interlocked.Increment(ref asked) == 1
                ? Task.FromResult(Session(time, 1, 3600))
                : throw new HttpRequestException("STS is down"),
            time, () => 1);
        for (var i = 0; i < 3599; i++, time.Ahead += TimeSpan.FromSeconds(1))
        {
            _ = await credentials.GetCredentialsAsync();
            credentials.Accepted(credentials.Generation);
            // The last quarter begins: the clock must not run ahead of the first refresh, which is on the pool.
            if (i == 2700) await Eventually.UntilAsync("a refresh", () => Volatile.Read(ref asked) > 1);
        }

        Assert.InRange(asked, 2, 38); // a quarter of an hour: 1, 2, 4, 8, 16 s, then every 30
        time.Ahead += TimeSpan.FromMinutes(2);
        var error = await Assert.ThrowsAsync<AmazonClientException>(credentials.GetCredentialsAsync);
        Assert.Equal("STS is down", error.Message);
    }

    [Fact]
    public async Task A_listener_that_throws_holds_up_no_request()
    {
        var time = new AheadTime();
        var credentials = new RotatingCredentials(_ => Task.FromResult(Session(time, 1, 3600)), time, () => 0)
        {
            Resolved = _ => throw new InvalidOperationException("a listener's own mistake"),
        };
        _ = await credentials.GetCredentialsAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_source_that_gives_what_is_over_is_not_asked_with_every_request()
    {
        var time = new AheadTime();
        var asked = 0;
        var credentials = new RotatingCredentials(_ => Task.FromResult(Session(time, Interlocked.Increment(ref asked), -1)), time, () => 0);
        for (var i = 0; i < 20; i++) _ = await Assert.ThrowsAsync<AmazonClientException>(credentials.GetCredentialsAsync);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Requests_at_the_same_time_ask_once_and_an_older_one_s_refusal_says_nothing_of_newer_keys()
    {
        var time = new AheadTime();
        var asked = 0;
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var credentials = new RotatingCredentials(
            async _ =>
            {
                await answer.Task;
                return Session(time, Interlocked.Increment(ref asked), 3600);
            },
            time, () => 0);
        var requests = Enumerable.Range(0, 20).Select(_ => credentials.GetCredentialsAsync()).ToArray();
        answer.SetResult();
        Assert.Single((await Task.WhenAll(requests)).Select(keys => keys.AccessKey).Distinct());

        var old = credentials.Generation;
        Assert.True(await credentials.RefusedAsync(old, CredentialsRefusal.Invalid, default));
        Assert.True(await credentials.RefusedAsync(old, CredentialsRefusal.Invalid, default));
        Assert.Equal(2, asked);
    }

    private static ResolvedCredentials Session(AheadTime time, int number, int seconds) =>
        new(new ImmutableCredentials($"AKID{number}", "secret", "token"), time.GetUtcNow().AddSeconds(seconds), IsRefreshedBySource: true);
}
