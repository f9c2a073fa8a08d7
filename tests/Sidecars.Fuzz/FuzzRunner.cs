namespace Sidecars.Fuzz;

/// <summary>An input that broke a reader.</summary>
/// <param name="Target">Which.</param>
/// <param name="Seed">With this seed,</param>
/// <param name="Iteration">at this number.</param>
/// <param name="Input">The bytes.</param>
/// <param name="What">What happened.</param>
public sealed record FuzzCrash(string Target, int Seed, long Iteration, byte[] Input, string What)
{
    /// <summary>How to see it again.</summary>
    public override string ToString() =>
        $"{Target}: {What}\nreproduce: scripts/fuzz --target {Target} --seed {Seed} --from {Iteration} --iterations 1\ninput (base64): "
        + $"{Convert.ToBase64String(Input)}";
}

/// <summary>Feeds a target.</summary>
public static class FuzzRunner
{
    /// <summary>Runs until the first crash.</summary>
    /// <returns>Null when every input had a typed result within its bounds.</returns>
    public static FuzzCrash? Run(IFuzzTarget target, int seed, long from, long iterations)
    {
        foreach (var valid in target.Corpus) target.Run(valid); // warms up: the first call allocates statics
        for (var i = from; i < from + iterations; i++)
        {
            var input = Mutator.Input(target, seed, i);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                target.Run(input);
            }
            catch (Exception e)
            {
                return new FuzzCrash(target.Name, seed, i, input, e is FuzzViolationException ? e.Message : e.ToString());
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated > target.AllocationBound(input.Length))
                return new FuzzCrash(target.Name, seed, i, input, $"{allocated} bytes allocated for an input of {input.Length}");
        }

        return null;
    }
}
