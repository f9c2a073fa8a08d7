using Sidecars.Core.Kubernetes;
using Sidecars.Failover.Publish;
using Sidecars.Failover.Publish.Addresses;
using Sidecars.Failover.Strays;
using Sidecars.Failover.Watch;
using Xunit.Abstractions;
using static Sidecars.Unit.Tests.Failover.FailoverFacts;
using static Sidecars.Unit.Tests.Failover.Loops.QuietDayTests;

namespace Sidecars.Unit.Tests.Failover.Loops;

/// <summary>Loops that do one thing: record the addresses, make a replica of itself master, see a process end.</summary>
[Collection(QuietDays.Name)]
public sealed class SmallLoopsTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly NodeAddresses Mine = new("redis-0", "uid-0", MemoryGroup.Me, MemoryGroup.Me, "10.0.0.1");

    private readonly LoopRig _rig = new();
    private int _calls;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    [QuietDayOf(typeof(AddressLoop))]
    public async Task Addresses_are_recorded_once_an_hour()
    {
        StartAddresses(() => null);
        await OnThreadAsync(() =>
        {
            _rig.PassDay(output);
            Assert.Equal((25, "recorded"), (_calls, _rig.Sink["addresses"]));
        });
    }

    [Theory]
    [InlineData("away", 60, 130)]
    [InlineData("asks to wait", 55, 65)]
    [InlineData("throws", 100, 200)]
    public async Task An_API_server_that_is_away_is_asked_about_once_a_minute_and_told_once_it_is_back(string how, int least, int most)
    {
        string? weather = how;
        StartAddresses(() => weather switch
        {
            null => null,
            "throws" => throw new InvalidOperationException("no such certificate"),
            "away" => new KubernetesFailure.Unreachable("refused"),
            _ => new KubernetesFailure.Throttled("later", TimeSpan.FromSeconds(55)),
        });
        await OnThreadAsync(() =>
        {
            _rig.Run(TimeSpan.FromHours(1));
            Assert.InRange(_calls, least, most);
            weather = null;
            _rig.Run(TimeSpan.FromMinutes(2));
            Assert.Equal("recorded", _rig.Sink["addresses"]);
        });
    }

    [Fact]
    [QuietDayOf(typeof(SelfReplicaLoop))]
    public async Task A_replica_of_itself_is_made_master_within_a_second_and_tried_once_a_second_while_it_refuses()
    {
        var itself = Replica with { MasterAddress = Me, IsLinkUp = false };
        OwnServer server = Replica;
        var (quorum, refusal, throws) = (NamesMe, "READONLY", false);
        _rig.Start("self-replica", new SelfReplicaLoop(
            () => Me, () => throws ? throw new InvalidOperationException("no look") : server, () => quorum,
            (_, _, _) =>
            {
                _calls++;
                return Task.FromResult<string?>(refusal);
            },
            Second, dryRun: false, _rig.Sink, _rig.Time).RunAsync);
        await OnThreadAsync(() =>
        {
            _rig.PassDay(output);
            Assert.Equal((0, "not-self"), (_calls, _rig.Sink["self-replica"]));
            (server, quorum) = (itself, NoMajority);
            _rig.Run(TimeSpan.FromMinutes(1));
            Assert.Equal((0, "not-named"), (_calls, _rig.Sink["self-replica"]));
            throws = true;
            _rig.Run(10 * Second);
            (throws, quorum) = (false, NamesMe);
            _rig.Run(10 * Second);
            Assert.InRange(_calls, 5, 10);
            var before = _calls;
            server = Master;
            _rig.Run(TimeSpan.FromMinutes(1));
            Assert.InRange(_calls, before, before + 1);
        });
    }

    [Theory]
    [QuietDayOf(typeof(OwnProcessLoop))]
    [InlineData(1L << 20, 1000)]
    [InlineData(1L << 30, 50)]
    public async Task The_end_of_a_process_is_told_within_its_period_after_a_quiet_day(long resident, int period)
    {
        var (server, process) = (new HandServer(_rig.Time), new Process());
        server.Say(Master with { ProcessId = 42, ResidentBytes = resident });
        var throws = 1;
        var loop = new OwnProcessLoop(
            server, id => Interlocked.Decrement(ref throws) == 0 ? throw new InvalidDataException("torn") : id == 42 ? process : null,
            (_, _) => _calls++, _rig.Time);
        _rig.Start("process", loop.RunAsync);
        await OnThreadAsync(() =>
        {
            QuietDay.Pass(_rig.Time, () => _rig.Time.Sleepers == 1, output, hours: resident > 1 << 27 ? 1 : 24);
            Assert.Equal("process: torn", Assert.Single(_rig.Failures));
            Assert.Equal((1, true), (_calls, loop.IsSeen));
            Assert.Empty(server.Ended);
            _rig.Run(TimeSpan.FromSeconds(5.2)); // somewhere within a period
            process.IsEnding = true;
            _rig.Run(TimeSpan.FromMilliseconds(period));
            Assert.Contains(RunId, server.Ended);

            // Another process of the server, which is not seen from here: nothing is said of it.
            server.Say(Master with { RunId = OtherRunId, ProcessId = 43 });
            _rig.Time.Settle(() => !loop.IsSeen);
            Assert.True(process.IsDisposed);
            server.Ended.Clear();
            _rig.Run(TimeSpan.FromMinutes(1));
            Assert.Empty(server.Ended);
        });
    }

    private void StartAddresses(Func<KubernetesFailure?> answer) => _rig.Start("addresses", new AddressLoop(
        (_, _) =>
        {
            _calls++;
            return Task.FromResult(answer());
        },
        Mine, _rig.Sink, _rig.Time, () => 0.5).RunAsync);

    private sealed class Process : IOwnProcess
    {
        public bool IsEnding { get; set; }

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
