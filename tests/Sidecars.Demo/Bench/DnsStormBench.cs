using System.Globalization;
using System.Text.Json;
using Amazon.Runtime;
using Sidecars.Aws;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Publish.Records;
using Sidecars.Failover.Publish.Targets.Route53;
using Sidecars.TestKit.FakeRoute53;

namespace Sidecars.Demo.Bench;

/// <summary>One way of publishing, through the whole storm.</summary>
/// <param name="Calls">API calls that the account paid for, those that were throttled left out.</param>
/// <param name="Throttled">API calls that were refused.</param>
/// <param name="Writes">Calls that changed a record.</param>
/// <param name="Conflicts">Writes that met a record that another had changed.</param>
/// <param name="HalfSeconds">Until half of the records were right.</param>
/// <param name="AllSeconds">Until all were.</param>
internal sealed record StormOutcome(int Calls, int Throttled, int Writes, int Conflicts, double HalfSeconds, double AllSeconds);

/// <summary>
/// A zone of the cloud fails, and a third of a thousand masters move within a second: the publishers' own code, over real sockets,
/// against an account that takes five requests a second. Ours: the sidecar beside the new master writes what it remembers, the
/// others look later and write only where it is still wrong. Naive: every sidecar reads and writes at once.
/// </summary>
internal sealed record DnsStormBench : IBenchResult
{
    private const int Tenants = 1000;
    private const int Sidecars = 3;
    private const int Faster = 5;
    // Route 53's limit, of the account: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
    private const int PerSecond = 5;
    private const double BudgetWrites = 1.0;
    private static readonly TimeSpan RankDelay = TimeSpan.FromSeconds(5); // PUBLISH_RANK_DELAY
    private static readonly TimeSpan Backstop = TimeSpan.FromMinutes(1); // ROUTE53_BACKSTOP, doubled by jitter
    // as redis-failover has it
    private static readonly BackoffSchedule Pause = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required Machine Machine { get; init; }

    public int Switched => Tenants / 3;

    public int TimeIsFasterBy => Faster;

    public required StormOutcome Ours { get; init; }

    public required StormOutcome Naive { get; init; }

    public double OurWritesPerTenant => Math.Round((double)Ours.Writes / Switched, 3);

    public double OurCallsPerTenant => Math.Round((double)Ours.Calls / Switched, 3);

    public double NaiveCallsPerTenant => Math.Round((double)Naive.Calls / Switched, 3);

    public bool WithinBudget => OurWritesPerTenant <= BudgetWrites && Ours.AllSeconds <= Naive.AllSeconds;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static async Task<IBenchResult> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var result = new DnsStormBench
        {
            Machine = Machine.Describe(),
            Ours = await StormAsync(naive: false, cancellation),
            Naive = await StormAsync(naive: true, cancellation)
        };
        await output.WriteLineAsync($"{Tenants} tenants, {Sidecars} sidecars each; {result.Switched} masters move at once; "
            + $"{PerSecond} requests a second an account; limit of writes per switched tenant: {BudgetWrites}");
        foreach (var (name, outcome) in (ReadOnlySpan<(string, StormOutcome)>)[("ours", result.Ours),
            ("every sidecar writes", result.Naive)])
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-22} writes {outcome.Writes,5} ({(double)outcome.Writes / result.Switched:F2} a tenant)  calls "
                + $"{outcome.Calls,5} ({(double)outcome.Calls / result.Switched:F2})  throttled {outcome.Throttled,6}  conflicts "
                + $"{outcome.Conflicts,4}  half right after {outcome.HalfSeconds,6:F1} s, all after {outcome.AllSeconds,6:F1} s"));
        }

        return result;
    }

    private static async Task<StormOutcome> StormAsync(bool naive, CancellationToken cancellation)
    {
        var time = new ScaledTime(Faster);
        await using var server = FakeRoute53Server.With(
            limit: PerSecond, limitWindow: TimeSpan.FromSeconds(1.0 / Faster), changeTakes: TimeSpan.FromMilliseconds(100.0 / Faster));
        await FakeRoute53Server.StartAsync(server);
        for (var tenant = 0; tenant < Tenants; tenant++)
        {
            var before = Publication(tenant, isAfter: false);
            foreach (var set in (DnsRecordSet[])[before.OwnerSet, before.AddressSet])
                server.Zone.Put(new FakeRecordSet(set.Name + ".", set.Type, set.TtlSeconds, [.. set.Values]));
        }

        using var client = new Route53Client(
            new Route53Settings
            { HostedZoneId = FakeRoute53Server.ZoneId, Endpoint = server.Endpoint, CallDeadline = TimeSpan.FromSeconds(30) },
            RotatingCredentials.Of(new BasicAWSCredentials(FakeRoute53Server.AccessKey, FakeRoute53Server.SecretKey)));
        var store = new Route53RecordStore(client, FakeRoute53Server.ZoneId);
        var random = new Random(1);
        var started = time.GetTimestamp();
        var right = new List<double>();
        await Task.WhenAll(Enumerable.Range(0, Tenants / 3).Select(async tenant =>
        {
            var settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var sidecars = Enumerable.Range(0, Sidecars).Select(rank => Task.Run(
                () => SidecarAsync(tenant, rank, naive, new Zone(store), time, Next, settled, cancellation), cancellation)).ToArray();
            await settled.Task;
            lock (right) right.Add(time.GetElapsedTime(started).TotalSeconds);
            await Task.WhenAll(sidecars);
        }));
        right.Sort();
        for (var tenant = 0; tenant < Tenants / 3; tenant++)
        {
            var wanted = Publication(tenant, isAfter: true).OwnerSet;
            if (server.Zone.Sets.Single(set => set.Name == wanted.Name + "." && set.Type == "TXT").Values[0] != wanted.Values[0])
                throw new InvalidOperationException($"{wanted.Name} is wrong after all");
        }

        var seen = server.Seen;
        return new StormOutcome(
            seen.Count(call => call.Code != "Throttling"), seen.Count(call => call.Code == "Throttling"),
            seen.Count(call => call is { Operation: "Change", Status: 200 }),
            seen.Count(call => call.Code == "InvalidChangeBatch"), Math.Round(right[right.Count / 2], 1), Math.Round(right[^1], 1));

        double Next()
        {
            lock (random) return random.NextDouble();
        }
    }

    private static async Task SidecarAsync(int tenant, int rank, bool naive, Zone zone, TimeProvider time, Func<double> random,
        TaskCompletionSource settled, CancellationToken cancellation)
    {
        var publication = Publication(tenant, isAfter: true);
        var place = new TargetWriter<DnsSnapshot, DnsChange>(
            new DnsRecordTarget("route53", publication.Name, publication.TtlSeconds, zone), publication.State.Cluster, Pause,
            _ => { }, time, random);
        var addresses = new MasterAddresses(publication.State.Target.Value, null);
        var desired = new DesiredMaster.Own(new RedisEndpoint(publication.State.Target.Value, 6379), publication.State.Token, addresses,
            new RoleProof("", 0), time.GetTimestamp());
        if (!naive)
        {
            // What its last look told it, minutes ago: that call is not the storm's.
            zone.Remembers =
                new DnsSnapshot([Publication(tenant, isAfter: false).OwnerSet, Publication(tenant, isAfter: false).AddressSet]);
            await place.LookAsync(cancellation);
            zone.Remembers = null;
            if (rank > 0) await Task.Delay(RankDelay * rank, time, cancellation);
            while (rank > 0)
            {
                await Task.Delay(Backstop * (1 + random()), time, cancellation);
                try
                {
                    if (await place.LookAsync(cancellation) is { } there && there.Token >= desired.Token) return;
                    break;
                }
                catch (IOException)
                {
                    // throttled: it waits its time again
                }
            }
        }

        await place.PublishAsync(new PublishOrder(desired, addresses, desired.Role), new AlwaysDesired(), fresh: naive, cancellation);
        settled.TrySetResult();
    }

    private static DnsPublication Publication(int tenant, bool isAfter)
    {
        if (!ClusterId.TryParse($"tenant-{tenant}/redis", out var cluster)
            || !DnsTarget.TryParse($"10.{tenant / 250}.{tenant % 250}.{(isAfter ? 2 : 1)}", out var target))
            throw new InvalidOperationException();
        return new DnsPublication
        {
            Name = $"redis-{tenant}.example.org",
            TtlSeconds = 5,
            State = new DnsRecordState { Cluster = cluster, Token = new FencingToken(1, isAfter ? 2 : 1, 0), Target = target }
        };
    }

    // The real store, but for the look that happened before the storm.
    private sealed class Zone(IDnsRecordStore store) : IDnsRecordStore
    {
        public DnsSnapshot? Remembers { get; set; }

        public string Description => store.Description;

        public Task<TargetResult<DnsSnapshot>> ReadAsync(string name, string ownerName, CancellationToken cancellation) =>
            Remembers is { } snapshot
                ? Task.FromResult<TargetResult<DnsSnapshot>>(new TargetResult<DnsSnapshot>.Done(snapshot))
                : store.ReadAsync(name, ownerName, cancellation);

        public Task<TargetResult<string>> ApplyAsync(DnsChange change, CancellationToken cancellation) =>
            store.ApplyAsync(change, cancellation);

        public Task<bool?> IsPropagatedAsync(string changeId, CancellationToken cancellation) =>
            store.IsPropagatedAsync(changeId, cancellation);
    }

    private sealed class AlwaysDesired : IDesiredMasters
    {
        public Signal Changed { get; } = new();

        public bool IsWanted(PublishOrder order) => true;

        public Task<RoleProof?> ProveAsync(DesiredMaster desired, CancellationToken cancellation) => Task.FromResult<RoleProof?>(null);

        public RoleProof? RecentProof(DesiredMaster desired) => null;
    }
}
