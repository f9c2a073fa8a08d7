namespace Sidecars.Demo.Bench;

internal static class BenchTable
{
    public static Task<int> RunAsync(string[] arguments) => Task.FromResult(arguments.Length);
}
