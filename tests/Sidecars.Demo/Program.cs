using System.Runtime.InteropServices;
using Sidecars.Core.Hosting;
using Sidecars.Demo;
using Sidecars.Demo.Bench;
using Sidecars.Demo.Clients;
using Sidecars.Demo.Scenarios;

if (args is ["client", .. var clientArguments]) return await StackExchangeRedisClient.RunAsync(clientArguments);

using var cancel = new CancellationTokenSource();
var endedBy = 0;
void OnSignal(PosixSignalContext context)
{
    context.Cancel = true; // end by returning, after everything that was started has been ended
    endedBy = context.Signal == PosixSignal.SIGINT ? ExitCode.Interrupted : ExitCode.Terminated;
    cancel.Cancel();
}

using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
using var onHangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);

try
{
    return args is ["bench", .. var benchArguments]
        ? await BenchTable.RunAsync(benchArguments, cancel.Token)
        : await DemoAsync(cancel.Token);
}
catch (OperationCanceledException) when (cancel.IsCancellationRequested)
{
    Console.Error.WriteLine("demo: ended by a signal; nothing was left behind");
    return endedBy;
}
catch (Exception e) when (e is TimeoutException or InvalidOperationException or IOException)
{
    Console.Error.WriteLine("demo: " + e.Message);
    return ExitCode.Failed;
}

async Task<int> DemoAsync(CancellationToken cancellation)
{
    var mistakes = new List<string>();
    var options = DemoOptions.Read(args, mistakes);
    if (mistakes.Count == 0) return await DemoRun.RunAsync(options, ScenarioTable.Find(options.Scenario)!, Console.Out, cancellation);
    foreach (var mistake in mistakes) Console.Error.WriteLine("demo: " + mistake);
    return ExitCode.WrongConfiguration;
}
