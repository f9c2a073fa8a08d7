using Sidecars.Core.Hosting;
using Sidecars.TestKit.Groups;
using Sidecars.TestKit.Network;

namespace Sidecars.Faults;

/// <summary>The command behind <c>scripts/faults</c>.</summary>
public static class Program
{
    /// <summary>See <c>--help</c>.</summary>
    public static async Task<int> Main(string[] args)
    {
        if (args is ["--help"] or ["-h"])
        {
            Console.WriteLine(FaultsOptions.Usage);
            return 0;
        }

        if (FaultsOptions.Read(args, out var mistake) is not { } options)
        {
            Console.Error.WriteLine(mistake + "\n" + FaultsOptions.Usage);
            return 2;
        }

        var campaign = new Campaign(options, options.Out ?? Path.Combine(Repository.Root, "artifacts", "faults"), Console.Out);
        if (options.PlanOnly)
        {
            foreach (var plan in campaign.Plans) Console.WriteLine(FormattableString.Invariant($"case {plan.Index}: {plan}"));
            return 0;
        }

        if (NetworkHosts.Unavailable is not { } obstacle)
        {
            using var signals = new SignalScope();
            var code = await campaign.RunAsync(signals.Token);
            return signals.ExitCode ?? code;
        }

        Console.Error.WriteLine("faults: " + obstacle);
        return 3;
    }
}
