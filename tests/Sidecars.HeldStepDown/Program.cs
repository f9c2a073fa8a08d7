using System.Globalization;
using Sidecars.Core.Group;
using Sidecars.Core.Hosting;
using Sidecars.Failover.HandOver;
using Sidecars.Failover.Options;

// The coordinator of `redis-failover step-down`, by the same settings and lock, which does nothing more after the step of its argument:
// killed then, it has died right after that step. With a second argument it stops itself there (SIGSTOP) the first time, until it is told
// to go on; the third is its time-out in seconds. It prints each step when it has ended.

var settings = new SettingReader(FailoverOptions.ProcessEnvironment());
var options = FailoverOptions.Read(settings, settings) ?? throw new InvalidOperationException(string.Join('\n', settings.Errors));
using var only = StepDownLock.TryTake(options.Group.DataDirectory, out var why) ?? throw new InvalidOperationException(why);
var connections = new GroupConnections(options.Group, TimeProvider.System);
var group = HandOverWiring.Group(options, connections, TimeProvider.System);
// What is compiled now is not compiled while writes are refused.
await new StepDownRunner(group, new StepDownOptions { DryRun = true }, _ => Task.CompletedTask, TimeProvider.System).RunAsync(default);
var isHeld = false;
var asked = new StepDownOptions();
if (args.Length > 2) asked = asked with { Timeout = TimeSpan.FromSeconds(int.Parse(args[2], CultureInfo.InvariantCulture)) };
var result = await new StepDownRunner(group, asked, HoldAsync, TimeProvider.System).RunAsync(default);
Console.WriteLine($"not held: {result}");
return ExitCode.Failed;

async Task HoldAsync(StepDownProgress progress)
{
    if (progress is not StepDownProgress.Stepped { Step: var step }) return;
    Console.WriteLine(step);
    if (isHeld || step != args[0]) return;
    isHeld = true;
    if (args.Length == 1) await Task.Delay(Timeout.InfiniteTimeSpan);
    _ = Native.Kill(Environment.ProcessId, Native.Stop);
}

internal static partial class Native
{
    public const int Stop = 19; // SIGSTOP

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int process, int signal);
}
