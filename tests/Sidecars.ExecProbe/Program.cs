using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Sidecars.Bootstrap.Server;
using Sidecars.Core.Hosting;

// A managed process that has used what a real one uses, and then replaces itself by the program of its arguments.
// With EXECPROBE_INHERIT=path, a descriptor of that file is handed on, and its number printed.
// With EXECPROBE_STORM=n, the pool is about to start n threads in that very moment.

// As the kernel handed them over: .NET reads arguments as UTF-8 and loses other bytes. Each ends in NUL, the last one too.
byte[][] raw = [.. Encoding.Latin1.GetString(File.ReadAllBytes("/proc/self/cmdline")).Split('\0')[..^1].Select(Encoding.Latin1.GetBytes)];
var own = raw.Length - args.Length;
using var signals = new SignalScope();
using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => GC.Collect(0)))); // threads of the pool exist
int[] inherit = [];
if (Environment.GetEnvironmentVariable("EXECPROBE_INHERIT") is { Length: > 0 } path)
{
    var handle = File.OpenHandle(path);
    inherit = [(int)handle.DangerousGetHandle()];
}

Console.WriteLine($"pid {Environment.ProcessId} inherits {string.Join(',', inherit)}");
_ = int.TryParse(Environment.GetEnvironmentVariable("EXECPROBE_STORM"), out var storm);
if (storm > 0)
{
    ThreadPool.SetMinThreads(storm, storm);
    for (var i = 0; i < 4; i++)
        new Thread(
            () => { for (var n = 0; n < storm / 4; n++) ThreadPool.UnsafeQueueUserWorkItem(_ => Thread.Sleep(Timeout.Infinite), null); })
        { IsBackground = true }.Start();
    SpinWait.SpinUntil(() => ThreadPool.ThreadCount > storm / 10);
}

var failure = ProcessReplacer.Replace(args[0], [.. raw.Skip(own + 1)], null, inherit);
for (var i = 0; i < storm; i++) failure = ProcessReplacer.Replace(args[0], [.. raw.Skip(own + 1)], null, inherit);

// Still the process that it was: it can log, receive signals and use its threads.
Console.WriteLine($"failed {failure}");
await Task.Run(() => GC.Collect());
using var registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => { });
return failure.ExitCode;
