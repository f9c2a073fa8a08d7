using System.Globalization;
using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Bootstrap;

/// <summary>What another process sees of the evidence on one machine: the kernel's locks say whose it is.</summary>
public sealed class FileElectionLockTests : IDisposable
{
    // struct flock as fcntl(2) has it. While "expected" does not change, whoever holds the lock is the process that it names, and so must
    // the evidence be.
    private const string Watcher = """
        import fcntl, json, os, struct, sys
        folder, rounds = sys.argv[1], int(sys.argv[2])
        def expected(): return open(folder + "/../expected").read()
        stale, last = 0, ""
        print("watching", flush=True)
        while last != str(rounds - 1):
            before = expected()
            if before == last: continue
            try: fd = os.open(folder + "/redis-1.lock", os.O_RDWR)
            except FileNotFoundError: continue
            held = struct.unpack("hhqqi", fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))[:28])[0] != fcntl.F_UNLCK
            os.close(fd)
            if not held or expected() != before: continue
            with open(folder + "/redis-1.json") as file: stale += json.load(file)["evidence"]["incarnation"] != before
            last = before
            print("seen " + last, flush=True)
        print("stale", stale, flush=True)
        """;

    private const int Rounds = 150;
    private readonly TempFolder _folder = new("election-lock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Evidence_that_counts_is_of_the_process_that_lives_and_never_of_the_one_before_it()
    {
        var directory = _folder.File("e");
        new FileElectionBackend(directory).Dispose();
        await File.WriteAllTextAsync(Path.Combine(directory, "expected"), "");
        await using var watcher = await ServerProcess.StartAsync(
            new ServerStart("python3", "-c", Watcher, Path.Combine(directory, "evidence"), Rounds.ToString(CultureInfo.InvariantCulture)));
        await watcher.WaitForLineAsync(line => line == "watching", "the watcher");
        for (var round = 0; round < Rounds; round++)
        {
            var incarnation = round.ToString(CultureInfo.InvariantCulture);
            await File.WriteAllTextAsync(Path.Combine(directory, "expected"), incarnation);
            using var backend = new FileElectionBackend(directory);
            var mine = new CandidateEvidence
            {
                Node = "redis-1",
                Uid = "uid",
                Incarnation = incarnation,
                Address = new RedisEndpoint("10.0.0.1", 6379),
                Data = DataState.Present
            };
            Assert.IsType<ElectionObservation.Known>(await backend.ObserveAsync(mine, default));
            await watcher.WaitForLineAsync(line => line == "seen " + incarnation, "the watcher to have seen it");
        }

        Assert.Equal("stale 0", await watcher.WaitForLineAsync(line => line.StartsWith("stale", StringComparison.Ordinal), "its count"));
    }

    [Fact]
    public async Task A_name_that_another_living_process_has_is_refused_and_its_evidence_stays()
    {
        var directory = _folder.File("e");
        using var backend = new FileElectionBackend(directory);
        var evidence = Path.Combine(directory, "evidence");
        await File.WriteAllTextAsync(Path.Combine(evidence, "redis-1.json"), "theirs");
        const string Holder =
            "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('held',flush=True)\ntime.sleep(60)";
        await using var holder =
            await ServerProcess.StartAsync(new ServerStart("python3", "-c", Holder, Path.Combine(evidence, "redis-1.lock")));
        await holder.WaitForLineAsync(line => line == "held", "the lock");
        var mine = new CandidateEvidence
        { Node = "redis-1", Uid = "uid", Incarnation = "i", Address = new RedisEndpoint("10.0.0.1", 6379), Data = DataState.Present };
        Assert.Contains("node names must differ",
            Assert.IsType<ElectionObservation.Unavailable>(await backend.ObserveAsync(mine, default)).Why, StringComparison.Ordinal);
        Assert.Equal("theirs", await File.ReadAllTextAsync(Path.Combine(evidence, "redis-1.json")));
    }
}
