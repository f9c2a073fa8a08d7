using FsCheck.Fluent;
using Sidecars.Failover.Publish;

namespace Sidecars.Unit.Tests.Failover.Publish;

/// <summary>Whatever happens in whatever order to three pods, their Sentinels, their sidecars and the slice that they all write.</summary>
public sealed class PublishingHistoryTests
{
    private const int Length = 40;
    private const int Histories = 100;

    [Fact]
    public async Task No_write_is_for_a_node_whose_last_word_is_not_master_and_no_token_goes_back()
    {
        await using var places = await PublishingPlaces.StartAsync(TimeProvider.System);
        var raises = 0;
        // Sampled and not checked by Prop.ForAll, which would block on what is awaited here: sockets of three servers and of the API
        // server.
        foreach (var script in Gen.Choose(0, 999).ListOf(Length).Sample(Histories))
        {
            var history = new History(places);
            var wrong = await history.RunAsync(script);
            Assert.True(wrong is null, wrong);
            raises += history.Raises;
        }

        // The histories reach what they are for.
        Assert.True(raises > 0);
    }

    private sealed class History(PublishingPlaces places)
    {
        private readonly PublishingWorld _world = new();
        private readonly Dictionary<PublishingNode, PublisherLoop> _publishers = [];
        private PublishedMaster? _now;

        /// <summary>Writes of another address within one term and epoch.</summary>
        public int Raises { get; private set; }

        /// <summary>What was wrong; null: nothing.</summary>
        public async Task<string?> RunAsync(IList<int> script)
        {
            await using var world = _world;
            places.DeleteSlice();
            foreach (var node in _world.Nodes) _publishers[node] = node.Over(places.At(PublishingPlaces.Slice));
            var steps = new List<string>();
            foreach (var number in script)
            {
                var node = _world.Nodes[number % 3];
                steps.Add($"{await StepAsync(node, number / 3)} {node.Name}");
                if (await CheckAsync(node) is { } wrong) return $"{wrong} after {string.Join(", ", steps)}";
            }

            return null;
        }

        private async Task<string> StepAsync(PublishingNode node, int number)
        {
            switch (number % 18)
            {
                case 0 or 1 or 2: await node.Loop.RoundAsync(default); return "decide";
                case 3 or 4 or 5: await _publishers[node].RoundAsync(default); return "publish";
                case 6: node.IsMaster = true; return "promote";
                case 7: node.IsMaster = false; return "demote";
                case 8: node.RestartServer(isMaster: number / 18 % 2 == 0); return "restart";
                case 9: _world.Sentinels.Switch(node); return "switch to";
                case 10: _world.Sentinels.Name(node); return "rename to";
                case 11: _world.Sentinels.ForgetRunId(); return "forget run id";
                case 12: _world.Sentinels.Answer = !_world.Sentinels.Answer; return "toggle Sentinels";
                case 13:
                    node.StartSidecar();
                    _publishers[node] = node.Over(places.At(PublishingPlaces.Slice));
                    return "restart sidecar of";
                case 14:
                    // In one epoch too, as rebuilt Sentinels may: what a raised revision is for.
                    node.IsMaster = true;
                    if (number / 18 % 2 == 0) _world.Sentinels.Switch(node);
                    else _world.Sentinels.Name(node);
                    await node.Loop.RoundAsync(default);
                    await _publishers[node].RoundAsync(default);
                    return "hand over to";
                case 15: _world.Time.Advance(TimeSpan.FromSeconds(16)); return "wait";
                case 16:
                    places.EmptySlice();
                    _now = await places.ReadAsync(PublishingPlaces.Slice);
                    return "empty the slice";
                default:
                    switch (number / 18 % 3)
                    {
                        case 0: node.IsClear = !node.IsClear; return "toggle answers of";
                        case 1: node.AnswersAtPod = !node.AnswersAtPod; return "toggle the pod's address of";
                        default: node.HasImpostor = !node.HasImpostor; return "toggle the impostor of";
                    }
            }
        }

        private async Task<string?> CheckAsync(PublishingNode writer)
        {
            var (before, now) = (_now, await places.ReadAsync(PublishingPlaces.Slice));
            if (now == before) return null;
            _now = now;
            if (now is null) return "the slice is gone";
            if (before is not null && now.Token < before.Token) return $"{now} over {before}";
            if (_world.Nodes.FirstOrDefault(n => n.Pod.Host == now.Address) is not { } named) return $"{now.Address} is no pod's";
            var told = named == writer ? named.ToldOwn : named.ToldOthers;
            if (told is not { IsMaster: true } word) return $"{writer.Name} wrote {named.Name}, whose last word to it was not master";
            // The same token for the same or an emptied address is a repair.
            if (before is null || before.Token == now.Token || (before.Token.Term, before.Token.Epoch) != (now.Token.Term, now.Token.Epoch))
                return null;
            Raises++;
            return named.IsMaster && word.RunId == named.RunId
                ? null
                : $"{writer.Name} raised the revision for {named.Name}, which is no master now";
        }
    }
}
