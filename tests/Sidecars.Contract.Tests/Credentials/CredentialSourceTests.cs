using System.Globalization;
using Sidecars.Aws;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests.Credentials;

[CollectionDefinition(nameof(CredentialSources), DisableParallelization = true)]
public sealed class CredentialSources;

/// <summary>Every source of credentials, and what becomes of its clients when it gives others.</summary>
[Collection(nameof(CredentialSources))]
public sealed class CredentialSourceTests
{
    public static TheoryData<string> Services => [CredentialRig.S3, CredentialRig.Route53];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_shared_file_that_was_replaced_is_read_again(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        rig.WriteProfile(rig.Keys.Make());
        await rig.AcceptedAsync();
        await rig.AcceptedAsync();

        rig.Keys.RevokeAll();
        rig.WriteProfile(rig.Keys.Make());

        await rig.AcceptedAsync();
        Assert.Equal(["none new", "invalid new"], rig.Resolutions);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_key_that_is_revoked_before_its_file_is_replaced_is_not_looked_for_at_the_rate_of_the_requests(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        rig.WriteProfile(rig.Keys.Make());
        await rig.AcceptedAsync();

        rig.Keys.RevokeAll();
        for (var i = 0; i < 30; i++) Assert.Contains("403 Invalid", await rig.RequestAsync(), StringComparison.Ordinal);
        Assert.Equal(["none new", "invalid unchanged"], rig.Resolutions);
        rig.WriteProfile(rig.Keys.Make());
        rig.Time.Ahead += CredentialsPolicy.Pause.Max;

        await rig.AcceptedAsync();
        Assert.Equal("invalid new", rig.Resolutions[^1]);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_file_that_is_not_there_at_first_is_found_later(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        Assert.StartsWith("Denied", await rig.RequestAsync(), StringComparison.Ordinal);
        rig.WriteProfile(rig.Keys.Make());
        rig.Time.Ahead += CredentialsPolicy.Pause.Max;
        await rig.AcceptedAsync();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task The_program_of_credential_process_is_run_again_though_it_named_no_end(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        var (id, secret) = rig.Keys.Make();
        WriteProgram(rig, Json(id, secret));
        await rig.AcceptedAsync();

        rig.Keys.RevokeAll();
        (id, secret) = rig.Keys.Make();
        WriteProgram(rig, Json(id, secret));

        await rig.AcceptedAsync();
        Assert.Equal(["none new", "invalid new"], rig.Resolutions);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task The_program_of_credential_process_is_run_before_the_end_that_it_named_and_when_a_session_ends_early(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        WriteSession(rig);
        await rig.AcceptedAsync();

        rig.Keys.ExpireAll();
        WriteSession(rig);
        await rig.AcceptedAsync();

        WriteSession(rig);
        rig.Time.Ahead += TimeSpan.FromMinutes(46);
        await rig.AcceptedAsync(); // with what is held: no request waits
        await Eventually.UntilAsync("the program was run again", () => rig.Resolutions.Count == 3);
        Assert.Equal(["none new", "invalid new", "expiring new"], rig.Resolutions);
        await rig.AcceptedAsync();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_program_that_fails_is_a_reason_and_no_end_of_the_process(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        rig.WriteProfile("credential_process = sh -c 'echo the vault is sealed >&2; exit 3'");
        var said = await rig.RequestAsync();
        Assert.StartsWith("Denied", said, StringComparison.Ordinal);
        Assert.Contains("the vault is sealed", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_web_identity_s_short_session_costs_one_call_of_STS_however_many_requests(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseWebIdentity(rig);
        rig.Sessions.Lifetime = TimeSpan.FromSeconds(920);
        for (var i = 0; i < 50; i++) await rig.AcceptedAsync();
        Assert.Equal(1, rig.Sessions.Calls("sts"));

        rig.Time.Ahead += TimeSpan.FromSeconds(720); // three quarters and some
        await rig.AcceptedAsync();
        await Eventually.UntilAsync("a session was fetched", () => rig.Resolutions.Count == 2);
        for (var i = 0; i < 50; i++) await rig.AcceptedAsync();
        Assert.Equal(2, rig.Sessions.Calls("sts"));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_web_identity_s_token_is_read_again_when_its_session_is_refused(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseWebIdentity(rig);
        await rig.AcceptedAsync();

        rig.Keys.ExpireAll();
        rig.Sessions.Token = "second";
        rig.WriteMounted("token", "second");

        await rig.AcceptedAsync();
        Assert.Equal(2, rig.Sessions.Calls("sts"));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_role_that_STS_does_not_give_is_not_asked_for_with_every_request(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseWebIdentity(rig);
        rig.Sessions.Token = "another";
        Assert.Contains("Token expired", await rig.RequestAsync(), StringComparison.Ordinal);
        rig.Time.Ahead += CredentialsPolicy.Pause.First * 0.4; // the jitter takes half at most
        for (var i = 0; i < 20; i++) Assert.Contains("Token expired", await rig.RequestAsync(), StringComparison.Ordinal);
        Assert.Equal(["none failed"], rig.Resolutions);

        rig.Sessions.Token = "first";
        rig.Time.Ahead += CredentialsPolicy.Pause.Max;
        await rig.AcceptedAsync();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task A_container_s_session_and_token_are_asked_for_again(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        rig.Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", rig.Sessions.Endpoint + "container");
        rig.Set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", rig.File("token"));
        rig.WriteMounted("token", "first");
        for (var i = 0; i < 20; i++) await rig.AcceptedAsync();
        Assert.Equal(1, rig.Sessions.Calls("container"));

        rig.Keys.ExpireAll();
        rig.Sessions.Token = "second";
        rig.WriteMounted("token", "second");

        await rig.AcceptedAsync();
        Assert.Equal(["none new", "invalid new"], rig.Resolutions);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Variables_are_read_again(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseVariables(rig, rig.Keys.MakeSession());
        await rig.AcceptedAsync();

        rig.Keys.ExpireAll();
        UseVariables(rig, rig.Keys.MakeSession());

        await rig.AcceptedAsync();
        Assert.Equal(["none new", "invalid new"], rig.Resolutions);

        UseVariables(rig, rig.Keys.MakeSession());
        rig.Time.Ahead += CredentialsPolicy.SessionCheck; // whose end nobody tells
        await rig.AcceptedAsync();
        await Eventually.UntilAsync("they were looked at", () => rig.Resolutions.Count == 3);
        Assert.Equal("session-check new", rig.Resolutions[2]);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Instance_metadata_is_asked_for_a_session_and_not_with_every_request(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseMetadata(rig);
        await rig.AcceptedAsync();
        for (var i = 0; i < 30; i++)
        {
            rig.Time.Ahead += CredentialsPolicy.SessionCheck;
            await rig.AcceptedAsync();
        }

        // Once for the first request; the SDK's own source asks for itself, then and by a timer.
        Assert.Equal(["none new"], rig.Resolutions);
        Assert.InRange(rig.Sessions.Calls("imds"), 1, 4);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Instance_metadata_is_asked_again_when_its_session_is_over_or_its_key_revoked(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseMetadata(rig);
        await rig.AcceptedAsync();

        rig.Keys.ExpireAll();
        await rig.AcceptedAsync();

        rig.Keys.RevokeAll();
        await rig.AcceptedAsync();
        Assert.Equal(["none new", "invalid new", "invalid new"], rig.Resolutions);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Instance_metadata_that_repeats_a_revoked_key_is_not_asked_at_the_rate_of_the_requests(string service)
    {
        await using var rig = await CredentialRig.StartAsync(service);
        UseMetadata(rig);
        rig.Sessions.KeepsSession = true;
        await rig.AcceptedAsync();

        rig.Keys.RevokeAll();
        for (var i = 0; i < 30; i++) Assert.Contains("403 Invalid", await rig.RequestAsync(), StringComparison.Ordinal);
        Assert.Equal(["none new", "invalid unchanged"], rig.Resolutions);
        rig.Sessions.KeepsSession = false;
        rig.Time.Ahead += CredentialsPolicy.Pause.Max;

        await rig.AcceptedAsync();
        Assert.Equal("invalid new", rig.Resolutions[^1]);
    }

    [Fact]
    public async Task A_missing_right_is_no_reason_to_resolve_with_every_request_and_other_keys_are_found_though()
    {
        await using var rig = await CredentialRig.StartAsync(CredentialRig.S3);
        UseWebIdentity(rig);
        rig.DeniesAll = true;
        for (var i = 0; i < 60; i++)
        {
            Assert.Contains("403 AccessDenied", await rig.RequestAsync(), StringComparison.Ordinal);
            rig.Time.Ahead += TimeSpan.FromSeconds(10);
        }

        Assert.Equal(3, rig.Sessions.Calls("sts")); // in ten minutes: the first, at the first refusal, and five minutes later
        rig.DeniesAll = false;
        await rig.AcceptedAsync();
    }

    private static string Json(string id, string secret, string more = "") =>
        $"{{\"Version\":1,\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\"{more}}}";

    private static void WriteProgram(CredentialRig rig, string json)
    {
        rig.WriteMounted("answer", json);
        if (!File.Exists(rig.File("credentials"))) rig.WriteProfile($"credential_process = cat {rig.File("answer")}");
    }

    private static void WriteSession(CredentialRig rig)
    {
        var (id, secret, token) = rig.Keys.MakeSession();
        var end = TimeProvider.System.GetUtcNow().AddHours(1).AddSeconds(rig.Time.Ahead.TotalSeconds).UtcDateTime
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        WriteProgram(rig, Json(id, secret, $",\"SessionToken\":\"{token}\",\"Expiration\":\"{end}\""));
    }

    private static void UseWebIdentity(CredentialRig rig)
    {
        rig.WriteMounted("token", "first");
        rig.Set("AWS_WEB_IDENTITY_TOKEN_FILE", rig.File("token"));
        rig.Set("AWS_ROLE_ARN", "arn:aws:iam::1:role/redis");
        rig.Set("AWS_ENDPOINT_URL_STS", rig.Sessions.Endpoint.ToString());
    }

    private static void UseMetadata(CredentialRig rig)
    {
        rig.Set("AWS_EC2_METADATA_DISABLED", "false");
        rig.Set("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.Sessions.Endpoint.ToString().TrimEnd('/'));
    }

    private static void UseVariables(CredentialRig rig, (string Id, string Secret, string Token) session)
    {
        rig.Set("AWS_ACCESS_KEY_ID", session.Id);
        rig.Set("AWS_SECRET_ACCESS_KEY", session.Secret);
        rig.Set("AWS_SESSION_TOKEN", session.Token);
    }
}
