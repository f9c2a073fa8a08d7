using Amazon;
using Amazon.Runtime.Internal;
using Sidecars.Aws;
using Sidecars.Backup.Store;
using Sidecars.Backup.Store.S3;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.TestKit.FakeAws;
using Sidecars.TestKit.FakeRoute53;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests.Credentials;

/// <summary>
/// One client of S3 or Route 53 with the SDK's own chain of sources, and fakes that check what it signs. The sources are the process':
/// tests with them run one after another.
/// </summary>
public sealed class CredentialRig : IAsyncDisposable
{
    public const string S3 = "s3";
    public const string Route53 = "route53";

    private static readonly string[] Variables =
    [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_DISABLED",
    ];

    private readonly TempFolder _folder = new("credentials");
    private readonly List<string> _outcomes = [];
    private int _secrets;
    private FakeS3Server _s3 = null!;
    private FakeRoute53Server _route53 = null!;
    private S3Store _store = null!;
    private Route53Client _client = null!;

    private CredentialRig(string service) => Service = service;

    public string Service { get; }

    public FakeKeys Keys { get; } = new();

    public FakeCredentialsServer Sessions { get; private set; } = null!;

    internal AheadTime Time { get; } = new();

    public RotatingCredentials Credentials { get; private set; } = null!;

    /// <summary>Each resolution, as <c>reason outcome</c>.</summary>
    public IReadOnlyList<string> Resolutions
    {
        get
        {
            lock (_outcomes) return [.. _outcomes];
        }
    }

    public bool DeniesAll { set => _s3.DeniesAll = value; }

    public static async Task<CredentialRig> StartAsync(string service)
    {
        var rig = new CredentialRig(service);
        foreach (var variable in Variables) Environment.SetEnvironmentVariable(variable, null);
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        AWSConfigs.AWSProfilesLocation = rig.File("credentials"); // the variable for it is read once a process
        rig._s3 = await FakeS3Server.StartAsync(rig.Keys);
        rig._route53 = await FakeRoute53Server.StartAsync(FakeRoute53Server.With(keys: rig.Keys));
        rig.Sessions = await FakeCredentialsServer.StartAsync(rig.Keys);
        rig.Credentials = RotatingCredentials.Default(rig.Time, () => 0);
        rig.Credentials.Resolved = r =>
        {
            lock (rig._outcomes) rig._outcomes.Add($"{r.Reason} {r.Outcome}");
        };
        rig._store = new S3Store(
            new S3Settings("bucket", "") { Endpoint = rig._s3.Endpoint, PathStyle = true }, TimeProvider.System, rig.Credentials);
        rig._client = new Route53Client(
            new Route53Settings
            {
                HostedZoneId = FakeRoute53Server.ZoneId,
                Endpoint = rig._route53.Endpoint,
                CallDeadline = TimeSpan.FromMinutes(1),
                ConnectTimeout = TimeSpan.FromMinutes(1)
            },
            rig.Credentials);
        return rig;
    }

    public string File(string name) => Path.Combine(_folder.Path, name);

    public void Set(string variable, string value)
    {
        Environment.SetEnvironmentVariable(variable, value);
        FallbackInternalConfigurationFactory.Reset();
    }

    /// <summary>A shared file, replaced as kubelet does it: the link to its folder is, so that the file itself never changes.</summary>
    public void WriteProfile(string lines) => WriteMounted("credentials", "[default]\n" + lines + "\n");

    public void WriteProfile((string Id, string Secret) key) =>
        WriteProfile($"aws_access_key_id = {key.Id}\naws_secret_access_key = {key.Secret}");

    public void WriteMounted(string name, string text)
    {
        var version = File($"..{++_secrets}");
        Directory.CreateDirectory(version);
        System.IO.File.WriteAllText(Path.Combine(version, name), text);
        var link = File("..data-" + name);
        System.IO.File.Delete(link);
        System.IO.File.CreateSymbolicLink(link, version);
        if (!System.IO.File.Exists(File(name))) System.IO.File.CreateSymbolicLink(File(name), Path.Combine(link, name));
    }

    /// <summary>A request. Empty: accepted; else what the client says.</summary>
    public async Task<string> RequestAsync()
    {
        if (Service == Route53)
        {
            var read = await new Route53RecordStore(_client, FakeRoute53Server.ZoneId)
                .ReadAsync("redis.example.org", "_redis-master.redis.example.org", default);
            return read is TargetResult<DnsSnapshot>.Failed failed ? $"{failed.Failure.Kind}: {failed.Failure.Message}" : "";
        }

        try
        {
            _ = await _store.PutAsync("a/b", ObjectContent.Of(new byte[100]), PutCondition.None, default);
            return "";
        }
        catch (StoreException e)
        {
            return $"{e.Failure}: {e.Message}";
        }
    }

    public async Task AcceptedAsync()
    {
        var said = await RequestAsync();
        Assert.True(said.Length == 0, said);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var variable in Variables) Environment.SetEnvironmentVariable(variable, null);
        FallbackInternalConfigurationFactory.Reset();
        AWSConfigs.AWSProfilesLocation = null;
        _store.Dispose();
        _client.Dispose();
        await _s3.DisposeAsync();
        await _route53.DisposeAsync();
        await Sessions.DisposeAsync();
        _folder.Dispose();
    }
}
