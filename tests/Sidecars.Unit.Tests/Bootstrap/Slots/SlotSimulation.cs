using Sidecars.Bootstrap.Slots;
using Sidecars.Core.Primitives;

namespace Sidecars.Unit.Tests.Bootstrap.Slots;

/// <summary>
/// Six pods for three slots on a store with compare-and-swap. A script of numbers chooses who acts next and how: read and
/// gather, write, be deleted, be force-deleted (gone in the API, alive), die. A dead pod's address may go to another.
/// </summary>
internal static class SlotSimulation
{
    private const int Slots = 3;

    /// <summary>Runs a script; null, or what went wrong.</summary>
    public static string? Run(IReadOnlyList<int> script)
    {
        var pods = Enumerable.Range(0, 6).Select(i => new Pod($"uid-{i}", i)).ToList();
        var table = SlotTable.Empty;
        var version = 0;
        var born = 6;
        foreach (var number in script)
        {
            var at = number % pods.Count;
            var pod = pods[at];
            switch (number / 10 % 8)
            {
                case 0 or 1 or 2 when pod.Alive: // read the table, then the facts, each of which may be missing
                    pod.Basis = (table, version);
                    pod.Facts = Gather(table, pods, pod, number);
                    break;
                case 3 or 4 or 5 when pod is { Alive: true, Basis: { } basis }:
                    pod.Basis = null;
                    var decision = SlotPolicy.Decide(basis.Table, pod.Uid, pod.Uid, pod.Address, Slots, pod.Facts, pod.Slot);
                    var next = decision switch { SlotDecision.Claim c => c.Next, SlotDecision.Keep k => k.Next, _ => null };
                    if (decision is SlotDecision.Yield) return $"{pod.Uid} lost slot {pod.Slot} while it lived";
                    if (next is null || basis.Version != version) break;
                    (table, version) = (next, version + 1);
                    pod.Slot = table.SlotOf(pod.Uid);
                    break;
                case 6:
                    pod.Presence = number % 3 == 0 ? PodPresence.Gone : PodPresence.Terminating;
                    break;
                case 7 when pod.Alive:
                    pod.Alive = false;
                    pods.Add(new Pod($"uid-{born}", number % 5 == 0 ? at : born));
                    born++;
                    break;
            }

            var twice = pods.Where(p => p is { Alive: true, Slot: not null }).GroupBy(p => p.Slot).FirstOrDefault(g => g.Count() > 1);
            if (twice is not null) return $"slot {twice.Key} is held by {string.Join(" and ", twice.Select(p => p.Uid))}";
        }

        return null;
    }

    private static Dictionary<int, SlotFacts> Gather(SlotTable table, List<Pod> pods, Pod me, int number)
    {
        var facts = new Dictionary<int, SlotFacts>();
        foreach (var (slot, claim) in table.Claims)
        {
            if ((number + slot) % 7 == 0) continue; // nothing learnt
            var holder = pods.Single(p => p.Uid == claim.PodUid);
            // Only one answers at an address: the living one, if there is one.
            var answering = pods.FirstOrDefault(p => p.Alive && p != me && p.Address == claim.Address);
            facts[slot] = new SlotFacts(
                (number + slot) % 5 == 0 ? PodPresence.Unknown : holder.Presence,
                holder.Alive ? HeartbeatTrend.Changing : HeartbeatTrend.Still,
                (number + slot) % 11 == 0 ? AddressAnswer.NotAsked
                    : answering is null ? AddressAnswer.Silent
                    : answering.Slot == slot ? AddressAnswer.ThisId
                    : AddressAnswer.OtherId);
        }

        return facts;
    }

    private sealed class Pod(string uid, int address)
    {
        public string Uid { get; } = uid;

        public RedisEndpoint Address { get; } = new($"10.0.0.{(address % 250) + 1}", 26379);

        public bool Alive { get; set; } = true;

        public PodPresence Presence { get; set; } = PodPresence.Present;

        public int? Slot { get; set; }

        public (SlotTable Table, int Version)? Basis { get; set; }

        public Dictionary<int, SlotFacts> Facts { get; set; } = [];
    }
}
