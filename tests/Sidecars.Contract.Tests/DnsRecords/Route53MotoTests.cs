using System.Text;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.TestKit.Processes;

namespace Sidecars.Contract.Tests.DnsRecords;

/// <summary>
/// The wire format against moto, which parses and answers Route 53's XML apart from us. Its rules are laxer than the service's (it
/// takes two creations of one record), so races are held against the fake alone.
/// </summary>
[RequiresMoto]
public sealed class Route53MotoTests : IAsyncLifetime
{
    private const string Name = "redis.tenant.example.org";
    private MotoServer _server = null!;
    private string _zone = "";

    public async Task InitializeAsync()
    {
        if (MotoServer.Missing is not null) return;
        _server = await MotoServer.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server.Endpoint, "2013-04-01/hostedzone"))
        {
            Content = new StringContent(
                """
                <CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
                <Name>example.org.</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>
                """,
                Encoding.UTF8, "application/xml"),
        };
        request.Headers.TryAddWithoutValidation(
            "Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0");
        using var reply = await http.SendAsync(request);
        var text = await reply.Content.ReadAsStringAsync();
        Assert.True(reply.IsSuccessStatusCode, text);
        _zone = text.Split("/hostedzone/")[1].Split('<')[0];
    }

    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }

    [ContractFact]
    public async Task A_switch_is_read_back_and_a_change_is_known_by_its_id()
    {
        using var client = Client(_zone);
        var store = new Route53RecordStore(client, _zone);
        var old = new[] { Set("A", Name, "10.0.0.1"), Set("TXT", "_redis-master." + Name, "\"v=1;x=1\"") };
        _ = Assert.IsType<TargetResult<string>.Done>(await store.ApplyAsync(new DnsChange([], [.. old]), default));
        var next = new[] { Set("A", Name, "10.0.0.2"), Set("TXT", "_redis-master." + Name, "\"v=1;x=2\"") };
        var written = Assert.IsType<TargetResult<string>.Done>(await store.ApplyAsync(new DnsChange([.. old], [.. next]), default));
        var read = Assert.IsType<TargetResult<DnsSnapshot>.Done>(await store.ReadAsync(Name, "_redis-master." + Name, default));
        Assert.Equal(next.Select(set => set.ToString()).Order(StringComparer.Ordinal),
            read.Value.Sets.Select(set => set.ToString()).Order(StringComparer.Ordinal));
        Assert.True(await store.IsPropagatedAsync(written.Value, default));
    }

    [ContractFact]
    public async Task A_zone_that_is_not_there_is_a_wrong_setting()
    {
        using var client = Client("ZNOTHERE");
        var failed = Assert.IsType<TargetResult<DnsSnapshot>.Failed>(
            await new Route53RecordStore(client, "ZNOTHERE").ReadAsync(Name, "_redis-master." + Name, default));
        Assert.Equal(TargetFailureKind.Misconfigured, failed.Failure.Kind);
    }

    private static DnsRecordSet Set(string type, string name, string value) =>
        new() { Name = name, Type = type, TtlSeconds = 5, Values = [value] };

    private Route53Client Client(string zone) => new(new Route53Settings
    { HostedZoneId = zone, Endpoint = _server.Endpoint, CallDeadline = TimeSpan.FromMinutes(1), ConnectTimeout = TimeSpan.FromMinutes(1) },
        RotatingCredentials.Of(new BasicAWSCredentials("test", "test")));
}
