using System.Text.Json.Nodes;
using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.DnsEndpoint;
using Sidecars.TestKit.FakeKubernetes;

namespace Sidecars.Contract.Tests.DnsRecords;

/// <summary>The contract against an API server's rules for a custom resource, and what only a DNSEndpoint has.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "IAsyncLifetime.DisposeAsync disposes.")]
public sealed class DnsEndpointTests : DnsStoreContract
{
    private const string Resource = "dnsendpoints.externaldns.k8s.io";
    private const string ObjectName = "redis";
    private readonly List<KubernetesClient> _clients = [];
    private FakeKubernetesServer _server = null!;

    public override async Task InitializeAsync()
    {
        _server = await FakeKubernetesServer.StartAsync();
        // As the manifests bring it: no spec.
        _server.Objects.Seed(Resource, FakeKubernetesServer.Namespace, Applied());
    }

    public override async Task DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        await _server.DisposeAsync();
    }

    protected override IDnsRecordStore Open()
    {
        var client = new KubernetesClient(_server.Config with { CallDeadline = TimeSpan.FromMinutes(1) }, TimeProvider.System);
        lock (_clients) _clients.Add(client);
        return new DnsEndpointStore(client, ObjectName);
    }

    [Fact]
    public async Task What_is_applied_stays_as_it_was_applied_and_so_does_what_others_wrote()
    {
        _server.Objects.Change(Resource, FakeKubernetesServer.Namespace, ObjectName, item =>
        {
            item["metadata"]!["annotations"] = new JsonObject { ["example.org/team"] = "payments" };
            item["metadata"]!["finalizers"] = new JsonArray("example.org/keeper");
            item["spec"] = new JsonObject
            {
                ["endpoints"] =
                    new JsonArray(Entry("other.example.org", "MX", "10 mail.example.org", ("labels", new JsonObject { ["a"] = "b" })))
            };
        });
        _ = Assert.IsType<PublishOutcome.Written>(await PublishAsync(1));
        _ = Assert.IsType<PublishOutcome.Written>(await PublishAsync(2));

        var stored = Stored();
        // An apply of the manifests over it finds nothing to change: all that they set is as they set it.
        Assert.All(Applied()["metadata"]!["labels"]!.AsObject(),
            label => Assert.Equal(label.Value!.GetValue<string>(), stored["metadata"]!["labels"]![label.Key]!.GetValue<string>()));
        Assert.Equal(("payments", "example.org/keeper"), (stored["metadata"]!["annotations"]!["example.org/team"]!.GetValue<string>(),
            stored["metadata"]!["finalizers"]![0]!.GetValue<string>()));
        var entries = stored["spec"]!["endpoints"]!.AsArray();
        Assert.Equal(
            """{"dnsName":"other.example.org","recordType":"MX","recordTTL":5,"targets":["10 mail.example.org"],"labels":{"a":"b"}}""",
            entries[0]!.ToJsonString());
        Assert.Equal([("_redis-master." + Name, "TXT"), (Name, "A")],
            entries.Skip(1).Select(entry => (entry!["dnsName"]!.GetValue<string>(), entry["recordType"]!.GetValue<string>())));
        Assert.Equal("10.0.0.2", entries[2]!["targets"]![0]!.GetValue<string>());
    }

    [Fact]
    public async Task A_switch_is_one_look_and_one_write_although_external_dns_writes_the_status_between()
    {
        var writer = Writer();
        var first = Assert.IsType<PublishOutcome.Written>(await PublishAsync(writer, 1, fresh: true)).ChangeId;
        Assert.False(await Open().IsPropagatedAsync(first, default));
        _server.Objects.Observe(FakeKubernetesServer.Namespace, ObjectName);
        Assert.True(await Open().IsPropagatedAsync(first, default));
        var calls = _server.Seen.Count;

        var second = Assert.IsType<PublishOutcome.Written>(await PublishAsync(writer, 2, fresh: false));

        Assert.Equal(("newer-token", calls + 2), (second.Code, _server.Seen.Count));
        Assert.False(await Open().IsPropagatedAsync(second.ChangeId, default)); // the first one's generation is not this one's
        Assert.Null(await Open().IsPropagatedAsync("", default));
    }

    [Fact]
    public async Task A_label_that_changes_between_look_and_write_is_no_other_writer()
    {
        var old = Set(Name, "A", "10.0.0.1");
        _ = Applied(await Open().ApplyAsync(new DnsChange([], [old]), default));
        var seen = 0;
        _server.Weather = () =>
        {
            // Before the first PUT is judged.
            if (++seen == 2)
                _server.Objects.Change(
                    Resource, FakeKubernetesServer.Namespace, ObjectName, item => item["metadata"]!["labels"]!["new"] = "label");
            return null;
        };

        _ = Applied(await Open().ApplyAsync(new DnsChange([old], [Set(Name, "A", "10.0.0.2")]), default));

        Assert.Equal(4, seen); // look, lost, look, written
        Assert.Equal("label", Stored()["metadata"]!["labels"]!["new"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_response_that_is_lost_costs_a_look_and_no_second_write()
    {
        _server.Next(null); // the publisher's look
        _server.Next(null); // the store's
        _server.Next(new Fault.Reset { AfterActing = true });
        var failures = new List<TargetFailure>();

        _ = Assert.IsType<PublishOutcome.UpToDate>(await PublishAsync(1, failures));

        Assert.Equal(TargetFailureKind.Unavailable, Assert.Single(failures).Kind);
        Assert.Equal(
            (1, 2L), (_server.Seen.Count(request => request.Method == "PUT"), Stored()["metadata"]!["generation"]!.GetValue<long>()));
    }

    [Fact]
    public async Task An_entry_with_more_than_a_plain_record_is_refused_and_stays()
    {
        (string, JsonNode)[] specials = [("setIdentifier", "blue"),
            ("providerSpecific", new JsonArray(new JsonObject { ["name"] = "weight", ["value"] = "1" })),
            ("labels", new JsonObject { ["a"] = "b" })];
        foreach (var special in specials)
        {
            Fill(Entry(Name, "A", "192.0.2.1", special));
            var refused = Assert.IsType<PublishOutcome.Refused>(await PublishAsync(1));
            Assert.Equal("special-record", refused.Code);
            Assert.Contains(special.Item1, refused.Reason, StringComparison.Ordinal);
        }

        Fill(Entry(Name, "A", "192.0.2.1"), Entry(Name + ".", "A", "192.0.2.2"));
        Assert.Equal("special-record", Assert.IsType<PublishOutcome.Refused>(await PublishAsync(1)).Code);
        Assert.DoesNotContain(_server.Seen, request => request.Method == "PUT");
    }

    [Fact]
    public async Task What_stands_in_the_way_is_told_apart_and_heals()
    {
        _server.Objects.Delete(Resource, FakeKubernetesServer.Namespace, ObjectName);
        var gone = await FailureAsync();
        Assert.Equal(TargetFailureKind.Misconfigured, gone.Kind);
        Assert.Contains("component external-dns", gone.Message, StringComparison.Ordinal);

        _server.Objects.Seed(Resource, FakeKubernetesServer.Namespace, Applied());
        _server.Objects.Change(
            Resource, FakeKubernetesServer.Namespace, ObjectName, item => item["metadata"]!["deletionTimestamp"] = "2026-11-20T10:00:00Z");
        Assert.Contains("being deleted", (await FailureAsync()).Message, StringComparison.Ordinal);

        _server.Objects.Seed(Resource, FakeKubernetesServer.Namespace, Applied());
        _server.Forbids = (verb, kind, name) => (verb, kind, name) == ("update", "dnsendpoints", ObjectName);
        var denied = Assert.IsType<TargetResult<string>.Failed>(
            await Open().ApplyAsync(new DnsChange([], [Set(Name, "A", "10.0.0.1")]), default));
        Assert.Equal(TargetFailureKind.Denied, denied.Failure.Kind);

        _server.Forbids = (_, _, _) => false;
        _server.Next(new Fault.Error(429, "TooManyRequests", 7));
        Assert.Equal((TargetFailureKind.Throttled, TimeSpan.FromSeconds(7)),
            (await FailureAsync() is var throttled ? (throttled.Kind, throttled.RetryAfter ?? default) : default));
        _server.Next(new Fault.Body(
            """{"kind":"DNSEndpoint","metadata":{"name":"redis","uid":"u","resourceVersion":"1"},"spec":{"endpoints":[{"dnsName":7}]}}"""u8
                .ToArray()));
        Assert.Equal(TargetFailureKind.Unavailable, (await FailureAsync()).Kind);
        var invalid = Assert.IsType<TargetResult<string>.Failed>(
            await Open().ApplyAsync(new DnsChange([], [Set(Name, "ALIAS", "10.0.0.1")]), default));
        Assert.Equal(TargetFailureKind.Misconfigured, invalid.Failure.Kind);
        _ = Assert.IsType<PublishOutcome.Written>(await PublishAsync(1));
    }

    // manifests/components/external-dns, as it is rendered for a tenant.
    private static JsonObject Applied() => new()
    {
        ["apiVersion"] = "externaldns.k8s.io/v1alpha1",
        ["kind"] = "DNSEndpoint",
        ["metadata"] = new JsonObject
        {
            ["name"] = ObjectName,
            ["labels"] = new JsonObject { ["app.kubernetes.io/name"] = "redis", ["app.kubernetes.io/managed-by"] = "kustomize" }
        },
    };

    private static JsonObject Entry(string name, string type, string target, params (string Name, JsonNode Value)[] more)
    {
        var entry = new JsonObject { ["dnsName"] = name, ["recordType"] = type, ["recordTTL"] = 5, ["targets"] = new JsonArray(target) };
        foreach (var (key, value) in more) entry[key] = value.DeepClone();
        return entry;
    }

    private void Fill(params JsonNode[] entries) => _server.Objects.Change(Resource, FakeKubernetesServer.Namespace, ObjectName,
        item => item["spec"] = new JsonObject { ["endpoints"] = new JsonArray(entries) });

    private JsonObject Stored() => _server.Objects.Get(Resource, FakeKubernetesServer.Namespace, ObjectName).Object;

    private async Task<TargetFailure> FailureAsync() =>
        Assert.IsType<TargetResult<DnsSnapshot>.Failed>(await Open().ReadAsync(Name, "_redis-master." + Name, default)).Failure;
}
