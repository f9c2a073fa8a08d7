using System.Text;
using Sidecars.Core.Kubernetes;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.Unit.Tests.Core.Kubernetes;

/// <summary>The client against a server that goes wrong in every way that is known; what goes right is the contract suite's.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "IAsyncLifetime.DisposeAsync disposes.")]
public sealed class KubernetesClientTests : IAsyncLifetime
{
    private readonly SteppedTime _time = new();
    private FakeKubernetesServer _server = null!;
    private KubernetesClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        _client = new KubernetesClient(_server.Config, _time);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_token_that_was_rotated_is_read_again_at_once_on_401()
    {
        await CreateAsync();
        _server.RotateToken("token-2");

        Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await _client.GetLeaseAsync("g", default));
        Assert.Equal(["token-1", "token-1", "token-2"], _server.Seen.Select(s => s.Token));
    }

    [Fact]
    public async Task A_write_refused_with_401_is_sent_once_more_with_the_new_token()
    {
        var created = await CreateAsync();
        _server.RotateToken("token-2");

        Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(await _client.PutLeaseAsync(created, default));
    }

    [Fact]
    public async Task A_401_for_the_token_that_the_file_still_has_is_not_repeated()
    {
        _server.RotateToken("token-2", project: false);

        Assert.IsType<KubernetesFailure.Unauthorized>(await ReadFailureAsync());
        Assert.Single(_server.Seen);
    }

    [Fact]
    public async Task A_token_older_than_a_minute_is_read_again_without_waiting_for_401()
    {
        await CreateAsync();
        _server.RotateToken("token-2", keepOld: true);
        await _client.GetLeaseAsync("g", default);
        _time.Advance(TimeSpan.FromSeconds(60));
        await _client.GetLeaseAsync("g", default);

        Assert.Equal(["token-1", "token-1", "token-2"], _server.Seen.Select(s => s.Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("line\nbreak")]
    public async Task A_token_file_without_a_token_is_Unauthorized_and_is_not_quoted(string text)
    {
        _server.WriteTokenFile(text);

        var failure = Assert.IsType<KubernetesFailure.Unauthorized>(await ReadFailureAsync());
        Assert.DoesNotContain("word", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("break", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Seen);
    }

    [Fact]
    public async Task A_token_file_that_breaks_later_leaves_the_last_token_in_use()
    {
        await CreateAsync();
        _server.WriteTokenFile("");
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await _client.GetLeaseAsync("g", default));
    }

    [Fact]
    public async Task A_request_that_the_Role_does_not_allow_is_Forbidden_with_the_servers_words()
    {
        _server.Forbids = (verb, _, name) => verb == "get" && name == "g";

        Assert.Contains("cannot get resource \"leases\"", Assert.IsType<KubernetesFailure.Forbidden>(await ReadFailureAsync()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Creating_by_put_needs_the_verb_create_too()
    {
        _server.Forbids = (verb, _, _) => verb == "create";

        Assert.IsType<KubernetesFailure.Forbidden>(Assert.IsType<KubernetesWrite<LeaseDocument>.NotWritten>(
            await _client.PutLeaseAsync(LeaseDocument.New(FakeKubernetesServer.Namespace, "g"), default)).Failure);
    }

    [Theory]
    [InlineData(7, 7)]
    [InlineData(86400, 60)]
    public async Task Throttling_says_how_long_to_wait_within_a_bound(int asked, int granted)
    {
        _server.Next(new Fault.Error(429, "TooManyRequests", asked));

        Assert.Equal(TimeSpan.FromSeconds(granted), Assert.IsType<KubernetesFailure.Throttled>(await ReadFailureAsync()).RetryAfter);
    }

    [Theory]
    [InlineData(429, true)]
    [InlineData(400, true)]
    [InlineData(500, false)]
    [InlineData(504, false)]
    public async Task A_write_is_certainly_not_done_after_4xx_and_of_unknown_outcome_after_5xx(int code, bool certain)
    {
        var created = await CreateAsync();
        _server.Next(new Fault.Error(code, "Whatever"));

        var write = await _client.PutLeaseAsync(created, default);
        if (certain) Assert.IsType<KubernetesWrite<LeaseDocument>.NotWritten>(write);
        else Assert.IsType<KubernetesFailure.ServerError>(Assert.IsType<KubernetesWrite<LeaseDocument>.OutcomeUnknown>(write).Failure);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_TimedOut_and_the_write_may_have_landed()
    {
        var created = await CreateAsync();
        var never = new TaskCompletionSource();
        _server.Next(new Fault.Slow(never.Task) { AfterActing = true });
        var put = _client.PutLeaseAsync(
            created with { Spec = new LeaseSpec { HolderIdentity = "me", LeaseDurationSeconds = 15 } }, default);
        await SeenAsync(2);
        _time.Advance(_server.Config.CallDeadline);

        Assert.IsType<KubernetesFailure.TimedOut>(Assert.IsType<KubernetesWrite<LeaseDocument>.OutcomeUnknown>(await put).Failure);
        var again = Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await _client.GetLeaseAsync("g", default));
        Assert.Equal("me", again.Document.Spec?.HolderIdentity);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_an_exception_and_not_a_time_out()
    {
        using var cancel = new CancellationTokenSource();
        _server.Next(new Fault.Slow(new TaskCompletionSource().Task));
        var read = _client.GetLeaseAsync("g", cancel.Token);
        await SeenAsync(1);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task An_answer_cut_off_is_of_unknown_outcome_whether_the_server_acted_or_not(bool midBody, bool acted)
    {
        var created = await CreateAsync();
        _server.Next(midBody ? new Fault.CutMidBody { AfterActing = acted } : new Fault.Reset { AfterActing = acted });

        var write = await _client.PutLeaseAsync(
            created with { Spec = new LeaseSpec { HolderIdentity = "me", LeaseDurationSeconds = 15 } }, default);
        Assert.IsType<KubernetesFailure.Unreachable>(Assert.IsType<KubernetesWrite<LeaseDocument>.OutcomeUnknown>(write).Failure);
        var again = Assert.IsType<KubernetesRead<LeaseDocument>.Found>(await _client.GetLeaseAsync("g", default));
        Assert.Equal(acted ? "me" : null, again.Document.Spec?.HolderIdentity);
        Assert.Equal(2, _server.Seen.Count(s => s.Method == "PUT")); // the create and one try: nothing below us repeats a write
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_Unreachable_and_the_write_not_done()
    {
        var created = await CreateAsync();
        var config = _server.Config;
        await _server.DisposeAsync();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("token"), "t");
        using var authority = new TestAuthority();
        File.WriteAllText(folder.File("ca.crt"), authority.Pem);
        using var client = new KubernetesClient(config with { TokenFile = folder.File("token"), CaFile = folder.File("ca.crt") }, _time);

        Assert.IsType<KubernetesFailure.Unreachable>(
            Assert.IsType<KubernetesWrite<LeaseDocument>.NotWritten>(await client.PutLeaseAsync(created, default)).Failure);
        _server = await FakeKubernetesServer.StartAsync(); // for DisposeAsync
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused_before_the_token_is_sent()
    {
        _server.UseAnotherAuthority();

        Assert.IsType<KubernetesFailure.Unreachable>(await ReadFailureAsync());
        Assert.Empty(_server.Seen);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_before_the_token_is_sent()
    {
        _server.UseAnotherName("evil.example");

        Assert.IsType<KubernetesFailure.Unreachable>(await ReadFailureAsync());
        Assert.Empty(_server.Seen);
    }

    [Fact]
    public async Task A_cluster_CA_that_was_replaced_is_read_again_when_a_certificate_is_refused()
    {
        var pem = _server.UseAnotherAuthority();
        Assert.IsType<KubernetesFailure.Unreachable>(await ReadFailureAsync());
        _server.WriteCaFile(pem);

        Assert.IsType<KubernetesFailure.NotFound>(await ReadFailureAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task A_CA_file_without_certificates_is_Unreachable_and_heals_when_it_is_written(string pem)
    {
        var good = File.ReadAllText(_server.Config.CaFile);
        _server.WriteCaFile(pem);
        Assert.Contains("ca.crt", Assert.IsType<KubernetesFailure.Unreachable>(await ReadFailureAsync()).Message, StringComparison.Ordinal);
        _server.WriteCaFile(good);

        Assert.IsType<KubernetesFailure.NotFound>(await ReadFailureAsync());
    }

    [Fact]
    public async Task An_IPv6_server_is_reached()
    {
        await using var server = await FakeKubernetesServer.StartAsync(ipv6: true);
        using var client = new KubernetesClient(server.Config, _time);

        Assert.IsType<KubernetesFailure.NotFound>(
            Assert.IsType<KubernetesRead<PodDocument>.Failed>(await client.GetPodAsync("redis-0", default)).Failure);
        Assert.StartsWith("https://[::1]:", server.Config.Server.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"metadata\":")]
    [InlineData("{\"metadata\":{\"name\":\"g\"}}")]
    [InlineData("{\"metadata\":{\"name\":\"other\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}")]
    [InlineData("{\"metadata\":{\"name\":\"g\",\"uid\":\"u\",\"resourceVersion\":1}}")]
    [InlineData("{\"metadata\":{\"name\":\"g\",\"uid\":\"u\",\"resourceVersion\":\"1\"},\"spec\":{\"leaseDurationSeconds\":99999999999}}")]
    [InlineData("{\"metadata\":{\"name\":\"g\",\"uid\":\"u\",\"resourceVersion\":\"1\",\"annotations\":[]}}")]
    [InlineData("{\"metadata\":{\"name\":\"\\ud800\",\"uid\":\"u\",\"resourceVersion\":\"1\"}}")]
    [InlineData("<html>captive portal</html>")]
    public async Task A_body_that_is_no_such_object_is_Malformed(string body)
    {
        _server.Next(new Fault.Body(Encoding.UTF8.GetBytes(body)));

        Assert.IsType<KubernetesFailure.Malformed>(await ReadFailureAsync());
    }

    [Fact]
    public async Task A_body_past_the_bound_or_nested_without_end_is_Malformed()
    {
        _server.Next(new Fault.Body(new byte[_server.Config.MaxResponseBytes + 1]));
        Assert.Contains(
            "longer than", Assert.IsType<KubernetesFailure.Malformed>(await ReadFailureAsync()).Message, StringComparison.Ordinal);
        _server.Next(new Fault.Body(Encoding.UTF8.GetBytes(new string('[', 100_000))));
        Assert.IsType<KubernetesFailure.Malformed>(await ReadFailureAsync());
    }

    [Fact]
    public async Task A_write_answered_with_rubbish_is_of_unknown_outcome()
    {
        var created = await CreateAsync();
        _server.Next(new Fault.Body("{}"u8.ToArray()));

        Assert.IsType<KubernetesFailure.Malformed>(
            Assert.IsType<KubernetesWrite<LeaseDocument>.OutcomeUnknown>(await _client.PutLeaseAsync(created, default)).Failure);
    }

    [Theory]
    [InlineData("../pods/x")]
    [InlineData("A")]
    [InlineData("a b")]
    [InlineData("")]
    public async Task A_name_that_is_none_is_never_sent(string name)
    {
        Assert.IsType<KubernetesFailure.Rejected>(
            Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await _client.GetLeaseAsync(name, default)).Failure);
        Assert.Empty(_server.Seen);
    }

    [Fact]
    public async Task Every_request_names_its_program()
    {
        await ReadFailureAsync();

        Assert.Equal("sidecars-tests", _server.Seen.Single().UserAgent);
    }

    private async Task<LeaseDocument> CreateAsync() => Assert.IsType<KubernetesWrite<LeaseDocument>.Written>(
        await _client.PutLeaseAsync(LeaseDocument.New(FakeKubernetesServer.Namespace, "g"), default)).Document;

    private async Task<KubernetesFailure> ReadFailureAsync() =>
        Assert.IsType<KubernetesRead<LeaseDocument>.Failed>(await _client.GetLeaseAsync("g", default)).Failure;

    private async Task SeenAsync(int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (_server.Seen.Count < count) await Task.Delay(5, limit.Token);
    }
}
