using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Starts every process from one thread that lives as long as the host. The kernel sends the parent-death signal when the
/// *thread* that forked ends (prctl(2), PR_SET_PDEATHSIG); from a pool thread, servers would die whenever the pool shrinks.
/// </summary>
internal static class ProcessLauncher
{
    private static readonly BlockingCollection<(Process Process, TaskCompletionSource Started)> Requests = StartThread();

    /// <summary>Starts a prepared process.</summary>
    public static Task RunAsync(Process process)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add((process, started));
        return started.Task;
    }

    private static BlockingCollection<(Process Process, TaskCompletionSource Started)> StartThread()
    {
        var requests = new BlockingCollection<(Process Process, TaskCompletionSource Started)>();
        new Thread(() => Serve(requests)) { IsBackground = true, Name = "process launcher" }.Start();
        return requests;
    }

    private static void Serve(BlockingCollection<(Process Process, TaskCompletionSource Started)> requests)
    {
        foreach (var (process, started) in requests.GetConsumingEnumerable())
        {
            try
            {
                process.Start();
                started.SetResult();
            }
            catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
            {
                started.SetException(new InvalidOperationException($"{process.StartInfo.FileName} could not be started (it is part of util-linux): {e.Message}", e));
            }
        }
    }
}
