using Sidecars.Bootstrap.Backends;
using Sidecars.Bootstrap.Election;
using Sidecars.Bootstrap.Options;
using Sidecars.Bootstrap.Rounds;
using Sidecars.Core.Election;
using Sidecars.Core.Hosting;
using Sidecars.Core.Primitives;
using Sidecars.Core.Topology;

namespace Sidecars.Bootstrap.Redis;

/// <summary>
/// Records what a person says about whose data count, unless what is known contradicts it: a master that lives, data on a disk that
/// is called empty, an empty disk that is called the group's.
/// </summary>
internal sealed class PersonsWordRunner(BootstrapOptions options, JsonLineLog log, TimeProvider time)
{
    /// <summary>A durable group may start with every disk empty, once.</summary>
    public async Task<int> AllowEmptyStartAsync(CancellationToken cancellation)
    {
        var masters = await MastersAsync(cancellation).ConfigureAwait(false);
        if (PersonsWordPolicy.AgainstAllowEmpty(masters) is { } contradicted) return Refused("allow-empty", contradicted);
        using var election = Open();
        if (election is not IPersonsWords record)
        {
            await File.WriteAllTextAsync(ElectionBackends.WordFile(options), "", cancellation).ConfigureAwait(false);
            return Recorded("allow-empty", "the elector keeps no record: the word is heard by this node, once, when the elector names it");
        }

        return await record.AllowEmptyStartAsync(cancellation).ConfigureAwait(false) is { } refusal
            ? Refused("allow-empty", refusal)
            : Recorded("allow-empty", $"the next election in {election.Description} may start an empty master, once");
    }

    /// <summary>The data of a node are the group's.</summary>
    public async Task<int> TrustAsync(string node, CancellationToken cancellation)
    {
        using var election = Open();
        if (election is not IPersonsWords record)
        {
            return Refused("trust",
                "the elector keeps no record, and elects the node that it names where it alone has data: empty the other disks, "
                + "or start Sentinels");
        }

        if (await record.ReadAsync(cancellation).ConfigureAwait(false) is not ElectionObservation.Known { View: var view })
            return Refused("trust", $"{election.Description} can't be read");
        var masters = await MastersAsync(cancellation).ConfigureAwait(false);
        if (PersonsWordPolicy.AgainstTrust(view, node, masters) is { } contradicted) return Refused("trust", contradicted);
        return await record.TrustAsync(node, cancellation).ConfigureAwait(false) is { } refusal
            ? Refused("trust", refusal)
            : Recorded("trust",
                $"the data of {node} are the group's: it wins the next election in {election.Description}, or, where it is master, "
                + "is followed by nodes whose data it never had");
    }

    private async Task<IReadOnlyList<RedisEndpoint>> MastersAsync(CancellationToken cancellation)
    {
        var seen = await new GroupClients(options, time).Observer
            .ObserveAsync(exceptSentinel: null, exceptNode: null, cancellation).ConfigureAwait(false);
        return [.. seen.Nodes.OfType<NodeObservation.Known>().Where(n => n.View.Role == NodeRole.Master).DistinctBy(n => n.View.RunId)
            .Select(n => n.Address)];
    }

    private IElectionBackend Open() => ElectionBackends.Open(options, new RedisEndpoint("127.0.0.1", options.Group.AnnouncePort), time);

    private int Recorded(string command, string what)
    {
        log.Info(command, what);
        return ExitCode.Ok;
    }

    private int Refused(string command, string why)
    {
        log.Error(command + "-refused", why);
        return ExitCode.Failed;
    }
}
