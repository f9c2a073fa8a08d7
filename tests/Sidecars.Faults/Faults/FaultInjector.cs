using System.Net;
using Sidecars.Faults.Hosts;
using Sidecars.Faults.Planning;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.FakeRoute53;
using Sidecars.TestKit.Load;
using Sidecars.TestKit.Network;
using Sidecars.TestKit.Pods;

namespace Sidecars.Faults.Faults;

/// <summary>Makes planned faults real.</summary>
/// <param name="group">Whose.</param>
/// <param name="acks">Of clients, for faults that look at them; null: nobody writes.</param>
internal sealed class FaultInjector(HostGroup group, AckLog? acks = null)
{
    private readonly PodFaults _pods = new(group);
    private const int FastestKilobits = 2000; // of a slow link; a full sync of what a test writes still fits into its time
    private const double LargestJumpSeconds = 7200;
    private static readonly TimeSpan ApiDelay = TimeSpan.FromSeconds(3);

    private static readonly Dictionary<FaultKind, NamesWeather> NamesWeathers = new()
    {
        [FaultKind.NamesDown] = NamesWeather.Away,
        [FaultKind.NamesSlow] = NamesWeather.Slow,
        [FaultKind.NamesPartly] = NamesWeather.HalfAway,
        [FaultKind.NamesFail] = NamesWeather.Failing,
    };

    private DiskFaults Disks => new(group, _pods, acks);

    /// <summary>Begins a fault.</summary>
    public async Task<ActiveFault> BeginAsync(FaultStep step)
    {
        var master = await group.FindMasterAsync() ?? group.Hosts[0];
        var replicas = group.Hosts.Where(h => h != master).ToArray();
        var isMaster = step.Target == FaultTarget.Master;
        var host = isMaster ? master : replicas[step.Pick % replicas.Length];
        var began = TimeProvider.System.GetTimestamp();
        ActiveFault Active(Losses losses, Func<Task> end) =>
            new(step) { Met = $"{host}{(isMaster ? " (master)" : "")}", Losses = losses, Began = began, EndAsync = end };
        Task Nothing() => Task.CompletedTask;
        Losses IfMaster(Losses losses) => isMaster ? losses : Losses.None;
        switch (step.Kind)
        {
            case FaultKind.KillRedis:
                return Active(IfMaster(Losses.AtBegin), await KillAsync(host.Redis));
            case FaultKind.TerminateRedis:
                await host.Redis.TerminateAsync();
                return Active(Losses.None, () => Done(host.Redis.Release));
            case FaultKind.PauseRedis:
                return Active(IfMaster(Losses.UntilFenced), Pause(host.Redis));
            case FaultKind.KillSentinel:
                return Active(Losses.None, await KillAsync(host.Sentinel));
            case FaultKind.PauseSentinel:
                return Active(Losses.None, Pause(host.Sentinel));
            case FaultKind.KillAllSentinels:
                return Active(Losses.None, await KillAsync([.. group.Hosts.Select(h => h.Sentinel)]));
            case FaultKind.KillAllRedis:
                return Active(Losses.None, await KillAsync([.. group.Hosts.Select(h => h.Redis)]));
            case FaultKind.KillEverything:
                return Active(Losses.None, await KillAsync([.. group.Hosts.SelectMany(h => h.Containers)]));
            case FaultKind.LoseHost:
                return Active(IfMaster(Losses.UntilFenced), await LoseHostAsync(host));
            case FaultKind.Isolate:
                return Active(IfMaster(Losses.UntilFenced), Cut(Both([host.Address], Others(host))));
            case FaultKind.CutInbound:
                return Active(IfMaster(Losses.UntilFenced), Cut(Pairs(Others(host), [host.Address])));
            case FaultKind.CutOutbound:
                return Active(IfMaster(Losses.UntilFenced), Cut(Pairs([host.Address], Others(host))));
            case FaultKind.CutPair:
                return Active(Losses.UntilFenced, Cut(Both([master.Address], [replicas[step.Pick % replicas.Length].Address])));
            case FaultKind.CutZone:
                var zone = group.Hosts.Where(h => h.Zone == host.Zone).Select(h => h.Address).ToArray();
                return Active(Losses.UntilFenced, Cut(Both(zone, [.. group.Hosts.Select(h => h.Address).Except(zone), .. group.Outside])));
            case FaultKind.LosePackets:
                group.Network.Lose(host.Network, step.Strength);
                return Active(Losses.Throughout, () => Done(() => group.Network.Lose(host.Network, 0)));
            case FaultKind.SlowLink:
                NetworkHosts.Limit(host.Network, (int)(FastestKilobits * (1 - step.Strength)));
                return Active(Losses.Throughout, () => Done(() => NetworkHosts.Limit(host.Network, null)));
            case FaultKind.WipeDisk:
                await _pods.LoseAsync(host);
                host.RedisNode.WipeData();
                return Active(IfMaster(Losses.AtBegin), () => Done(() => _pods.ComeBack(host)));
            case FaultKind.FillDisk:
                // It refuses writes, PING too: Sentinel fails over, perhaps just when there is room again.
                return await Disks.FillAsync(Active(IfMaster(Losses.UntilFenced), Nothing), host);
            case FaultKind.FillAllDisks:
                return await Disks.FillAsync(Active(Losses.UntilFenced, Nothing), group.Hosts);
            case FaultKind.DamageFile:
                return await Disks.DamageAsync(Active(IfMaster(Losses.AtBegin), Nothing), host);
            case FaultKind.RotatePasswords:
                return new RotationFault(group, _pods).Begin(Active(Losses.None, Nothing));
            case FaultKind.ForeignTenant:
                return await _pods.StrangerAsync(Active(IfMaster(Losses.AtBegin), Nothing), host, servicesFollow: false);
            case FaultKind.AddressToTenant:
                return await _pods.StrangerAsync(Active(IfMaster(Losses.AtBegin), Nothing), host, servicesFollow: true);
            case FaultKind.AddressToMaster:
                var met = await _pods.AddressToMasterAsync(host);
                return Active(IfMaster(Losses.AtBegin), Nothing) with { Met = met };
            case FaultKind.ReplacePod:
                await _pods.DeleteAsync(host);
                return Active(Losses.None, () => Done(() => _pods.ComeBack(host)));
            case FaultKind.LosePod:
                await _pods.LoseAsync(host);
                return Active(IfMaster(Losses.AtBegin), () => Done(() => _pods.ComeBack(host)));
            case FaultKind.ScaleToZero:
                await Task.WhenAll(group.Hosts.Select(_pods.DeleteAsync));
                return Active(Losses.None, () => Done(() => _pods.ComeBack(group.Hosts)));
            case FaultKind.EmptyVolumes:
                await _pods.LoseVolumesAsync();
                began = TimeProvider.System.GetTimestamp(); // on a busy machine the last one is killed seconds after the first
                return Active(Losses.Everything, _pods.AllowEmptyAsync);
            case FaultKind.RestoreVolumes:
                began = await _pods.LoseVolumesAsync();
                return Active(Losses.SinceBackup, () => Done(() => _pods.ComeBack(group.Hosts)));
            case FaultKind.ReplaceAllSentinels:
                return Active(Losses.None, await _pods.LoseSentinelsAsync());
            case FaultKind.NamesDown:
            case FaultKind.NamesSlow:
            case FaultKind.NamesPartly:
            case FaultKind.NamesFail:
                group.World.Names.Weather = NamesWeathers[step.Kind];
                await _pods.LoseAsync(host);
                _pods.ComeBack(host);
                return Active(IfMaster(Losses.AtBegin), () => Done(() => group.World.Names.Weather = NamesWeather.Fine));
            case FaultKind.NamesStale:
                group.World.Names.Freeze();
                await (await _pods.LoseSentinelsAsync())();
                return Active(Losses.None, () => Done(group.World.Names.Thaw));
            case FaultKind.ServicesStale:
                group.World.Services.Freeze();
                await _pods.LoseAsync(host);
                _pods.ComeBack(host);
                return Active(IfMaster(Losses.AtBegin), () => Done(group.World.Services.Thaw));
            case FaultKind.StrayReplica:
                var promoted = replicas[step.Pick % replicas.Length];
                return Active(Losses.None, await _pods.StrandAsync(master, promoted)) with { Met = $"{promoted} is promoted for {master}" };
            case FaultKind.ApiDown:
                return Active(Losses.None, Weather(() => new Fault.Reset()));
            case FaultKind.ApiSlow:
                return Active(Losses.None, Weather(() => new Fault.Late(ApiDelay)));
            case FaultKind.ApiThrottles:
                return Active(Losses.None, Weather(() => new Fault.Error(429, "TooManyRequests", 1)));
            case FaultKind.DnsDown:
                return Active(Losses.None, Weather(Route53Weather.Down));
            case FaultKind.DnsSlow:
                return Active(Losses.None, Weather(Route53Weather.Slow));
            case FaultKind.DnsThrottles:
                return Active(Losses.None, Weather(Route53Weather.Throttling));
            case FaultKind.KillSidecar:
                return Active(Losses.None, await KillAsync(host.Sidecar));
            case FaultKind.PauseSidecar:
                return Active(Losses.None, Pause(host.Sidecar));
            case FaultKind.BlockLog:
                var (silent, isNew) = step.Of(Silent(host));
                await silent.BlockLogAsync();
                if (isNew)
                {
                    await silent.KillAsync();
                    silent.Release();
                }

                // A server that has something to say then stands still, as one that is stopped.
                return Active(silent == host.Redis ? IfMaster(Losses.UntilFenced) : Losses.None, silent.ReadLogAsync) with
                { Met = silent.Name + (isNew ? ", started anew" : "") };
            case FaultKind.JumpClock:
                var clock = group.ClockFile(host) ?? throw new InvalidOperationException("no libfaketime");
                var seconds = (step.Strength - 0.25) * 4 * LargestJumpSeconds; // back and forth
                await File.WriteAllTextAsync(clock, FormattableString.Invariant($"{seconds:+0;-0}"));
                return Active(Losses.None, () => File.WriteAllTextAsync(clock, "+0"));
            case FaultKind.StepDown:
                return Active(Losses.None, await StepDown.RunAsync(group, host));
            default:
                throw new InvalidOperationException($"unknown fault {step.Kind}");
        }
    }

    private static IEnumerable<(IPAddress From, IPAddress To)> Pairs(
        IReadOnlyCollection<IPAddress> from, IReadOnlyCollection<IPAddress> to) =>
        from.SelectMany(_ => to, (f, t) => (f, t));

    private static IEnumerable<(IPAddress From, IPAddress To)> Both(
        IReadOnlyCollection<IPAddress> one, IReadOnlyCollection<IPAddress> other) =>
        [.. Pairs(one, other), .. Pairs(other, one)];

    // Whose log nobody reads, and whether of one that starts then: a server's bootstrap.
    private static (Container Container, bool IsNew)[] Silent(Host host) =>
        [.. new[] { host.Sidecar, host.Redis, host.Sentinel }.SelectMany(container => new[] { (container, false), (container, true) })];

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static Func<Task> Pause(Container container)
    {
        container.Pause();
        return () => Done(container.Resume);
    }

    private static async Task<Func<Task>> KillAsync(params Container[] containers)
    {
        await Task.WhenAll(containers.Select(c => c.KillAsync()));
        return () => Done(() => Array.ForEach(containers, c => c.Release()));
    }

    private IPAddress[] Others(Host host) => [.. group.Hosts.Where(h => h != host).Select(h => h.Address), .. group.Outside];

    private Func<Task> Cut(IEnumerable<(IPAddress From, IPAddress To)> pairs)
    {
        var all = pairs.ToArray();
        group.Network.Cut(all);
        return () => Done(() => group.Network.Heal(all));
    }

    // The network goes first: nobody is told that connections have ended. What comes back are new pods, with the old volume, once
    // the host is there again; until then the old ones are not known to be gone.
    private async Task<Func<Task>> LoseHostAsync(Host host)
    {
        var heal = Cut(Both([host.Address], Others(host)));
        var release = await KillAsync([.. host.Containers]);
        return async () =>
        {
            host.RedisNode.BecomeNewPod();
            host.SentinelNode.BecomeNewPod();
            await heal();
            await release();
        };
    }

    private Func<Task> Weather(Func<Fault?> weather)
    {
        group.Api.Weather = weather;
        return () => Done(() => group.Api.Weather = null);
    }

    private Func<Task> Weather(Route53Weather weather)
    {
        group.Route53.Weather = weather;
        return () => Done(() => group.Route53.Weather = Route53Weather.Fine);
    }
}
