namespace Sidecars.Bootstrap.Server;

/// <summary>
/// Keeps the thread pool from starting threads while it is held, and waits until none is being started. Needed around an exec:
/// from the moment the kernel begins one until the other threads are gone, every clone of this process fails with EAGAIN
/// (Linux <c>fs/exec.c</c>, <c>check_unsafe_exec</c>; <c>kernel/fork.c</c>, <c>copy_fs</c>), and the runtime ends a process whose
/// pool can't have the thread it wants, with "Out of memory".
/// </summary>
internal readonly struct PoolHold : IDisposable
{
    // A thread that never sleeps, such as one in a long computation, is not waited for: it starts no thread either.
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(50);
    private readonly (int Workers, int Completions) _least;
    private readonly (int Workers, int Completions) _most;

    /// <summary>Holds until disposed of. Blocks for at most 50 ms, normally for none.</summary>
    public PoolHold()
    {
        ThreadPool.GetMinThreads(out _least.Workers, out _least.Completions);
        ThreadPool.GetMaxThreads(out _most.Workers, out _most.Completions);
        // The pool only ever grows towards these; threads above them stay.
        ThreadPool.SetMinThreads(1, _least.Completions);
        ThreadPool.SetMaxThreads(1, _most.Completions);
        WaitUntilOthersSleep();
    }

    /// <summary>The pool may grow again, as before.</summary>
    public void Dispose()
    {
        ThreadPool.SetMaxThreads(_most.Workers, _most.Completions);
        ThreadPool.SetMinThreads(_least.Workers, _least.Completions);
    }

    // A thread that decided to start another before the hold is still running, and so is the one that it starts.
    private static void WaitUntilOthersSleep()
    {
        var started = TimeProvider.System.GetTimestamp();
        var spin = new SpinWait();
        while (Running() > 1 && TimeProvider.System.GetElapsedTime(started) < Limit) spin.SpinOnce();
    }

    // proc(5): "pid (comm) state ..."; the name may hold spaces and brackets itself.
    private static int Running()
    {
        var running = 0;
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                var stat = File.ReadAllText(Path.Combine(thread, "stat"));
                if (stat.AsSpan(stat.LastIndexOf(')') + 1).TrimStart() is not ['S', ..]) running++;
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return running;
    }
}
