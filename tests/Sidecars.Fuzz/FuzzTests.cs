namespace Sidecars.Fuzz;

public class FuzzTests
{
    private const int Iterations = 20_000;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Any_bytes_give_a_typed_result_within_bounded_memory(string name)
    {
        var target = FuzzTargets.All.Single(t => t.Name == name);
        var crash = FuzzRunner.Run(
            target, seed: 20261121, from: 0, target.IsSlow() ? Iterations / FuzzTargetExtensions.SlowFactor : Iterations);
        Assert.True(crash is null, crash?.ToString());
    }

    [Fact]
    public void The_same_seed_makes_the_same_inputs()
    {
        var target = FuzzTargets.All[0];
        Assert.Equal(Mutator.Input(target, 7, 99), Mutator.Input(target, 7, 99));
        Assert.NotEqual(Mutator.Input(target, 7, 99), Mutator.Input(target, 8, 99));
    }

    [Fact]
    public void A_reader_that_throws_or_over_allocates_or_breaks_its_promise_is_caught()
    {
        Assert.Contains("IndexOutOfRange", FuzzRunner.Run(new Broken(b => _ = b[b.Length + 1]), 1, 0, 10)!.What, StringComparison.Ordinal);
        Assert.Contains(
            "allocated", FuzzRunner.Run(new Broken(_ => GC.KeepAlive(new byte[1 << 20])), 1, 0, 10)!.What, StringComparison.Ordinal);
        Assert.Equal("a promise", FuzzRunner.Run(new Broken(_ => FuzzViolationException.Unless(false, "a promise")), 1, 0, 10)!.What);
    }

    private sealed class Broken(Action<byte[]> run) : IFuzzTarget
    {
        private bool _warm;

        public string Name => "broken";

        public IReadOnlyList<byte[]> Corpus { get; } = ["x"u8.ToArray()];

        public IReadOnlyList<byte[]> Words => [];

        public long AllocationBound(int length) => 1000;

        public void Run(byte[] input)
        {
            if (_warm) run(input);
            _warm = true;
        }
    }
}
