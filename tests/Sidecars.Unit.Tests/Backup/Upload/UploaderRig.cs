using System.Text;
using Sidecars.Backup.Archive;
using Sidecars.Backup.Lease;
using Sidecars.Backup.Tail;
using Sidecars.Backup.Upload;
using Sidecars.Core.Hosting;
using Sidecars.Core.Lineage;
using Sidecars.Core.Redis;
using Sidecars.TestKit.FakeRedis;
using Sidecars.TestKit.Processes;
using Sidecars.Unit.Tests.Failover.Loops;

namespace Sidecars.Unit.Tests.Backup.Upload;

/// <summary>An uploader beside a replica in sync, with an AOF on a real disk and a store in memory, under a virtual clock.</summary>
internal sealed class UploaderRig : IAsyncDisposable
{
    public const string Command = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    private readonly TempFolder _folder = new("uploader");
    private readonly MemoryStream _log = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly string _aof;
    private readonly JsonLineLog _lines;
    private Task _running = Task.CompletedTask;
    private int _sequence = 1;

    public UploaderRig(bool snapshots = false, Func<UploaderOptions, UploaderOptions>? with = null)
    {
        _aof = _folder.Folder(DataLayout.Default.AppendDirectory);
        Append();
        File.WriteAllText(Path.Combine(_aof, DataLayout.Default.ManifestFile), "file appendonly.aof.1.incr.aof seq 1 type i\n");
        Options = new UploaderOptions { Node = "redis-0", Snapshots = snapshots };
        if (with is not null) Options = with(Options);
        Redis = new MemoryServer(MemoryGroup.Me, Answer);
        _lines = new JsonLineLog(_log, "test", Time);
        Store = new BackupStore(Objects, new BackupLayout(Samples.Cluster));
        var node = new NodeFacts(Redis, new RedisClientOptions { Time = Time });
        Loop = new UploaderLoop(Store, new AofDirectory(_folder.Path, DataLayout.Default), node, Options, _lines, Time, new Random(1));
    }

    public VirtualTime Time { get; } = new();

    public MemoryStore Objects { get; } = new();

    public BackupStore Store { get; }

    public UploaderOptions Options { get; }

    public MemoryServer Redis { get; }

    public UploaderLoop Loop { get; }

    /// <summary>The link of the replica beside it.</summary>
    public bool IsLinkUp { get; set; } = true;

    /// <summary>What the server answers to BGSAVE; it has saved once it took that.</summary>
    public byte[] OnSave { get; set; } = FakeReply.Simple("Background saving started");

    public int Saves { get; private set; }

    /// <summary>BGREWRITEAOF, each carried out at once.</summary>
    public int Rewrites { get; private set; }

    public string[] Lines => Encoding.UTF8.GetString(_log.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Segments that lie in the store.</summary>
    public long Stored => Objects.Keys.Count(k => k.Contains("/tail/", StringComparison.Ordinal));

    /// <summary>The server writes one command more.</summary>
    public void Append() => File.AppendAllText(Path.Combine(_aof, $"appendonly.aof.{_sequence}.incr.aof"), Command);

    public void WriteSnapshot() =>
        File.WriteAllBytes(Path.Combine(_folder.Path, DataLayout.Default.RdbFile), Rdb(Time.GetUtcNow().ToUnixTimeSeconds()));

    private void Rewrite()
    {
        Rewrites++;
        _sequence++;
        File.WriteAllText(Path.Combine(_aof, $"appendonly.aof.{_sequence}.incr.aof"), "");
        File.WriteAllText(Path.Combine(_aof, $"appendonly.aof.{_sequence}.base.aof"), Command);
        File.WriteAllText(Path.Combine(_aof, DataLayout.Default.ManifestFile),
            $"file appendonly.aof.{_sequence}.base.aof seq {_sequence} type b\nfile appendonly.aof.{_sequence}.incr.aof seq "
            + $"{_sequence} type i\n");
    }

    public Task Start() => _running = Task.Run(() => Loop.RunAsync(_stop.Token));

    /// <summary>Starts it, and waits until it has the lease.</summary>
    public void StartUploading()
    {
        _ = Start();
        Time.Settle(() => IsUploading && Time.Sleepers == 2);
    }

    /// <summary>A turn holds a timer, and the watch of the server another; whoever waits for the lease holds one.</summary>
    public bool IsIdle => _running.IsCompleted || Time.Sleepers == (IsUploading ? 2 : 1);

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan span) => Time.Run(span, () => IsIdle);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _log.Dispose();
        _folder.Dispose();
    }

    private bool IsUploading => Loop.Counters.LeaseHeld;

    // An RDB file of version 10 with its ctime and nothing else.
    private static byte[] Rdb(long created) =>
        [.. "REDIS0010"u8, 0xFA, 5, .. "ctime"u8, 0xC2, .. BitConverter.GetBytes((int)created), 0xFF, 0, 0, 0, 0, 0, 0, 0, 0];

    private byte[] Answer(IReadOnlyList<string> words)
    {
        switch (words[0])
        {
            case "INFO":
                return FakeReply.Bulk($"redis_version:7.0.15\r\nrun_id:{new string('a', 40)}\r\nrole:slave\r\nmaster_host:10.0.0.2\r\n"
                    + $"master_port:6379\r\nmaster_link_status:{(IsLinkUp ? "up" : "down")}\r\n"
                    + "master_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:100\r\nloading:0\r\n"
                    + "rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n");
            case "BGREWRITEAOF":
                Rewrite();
                return FakeReply.Simple("Background append only file rewriting started");
            case "BGSAVE":
                Saves++;
                if (OnSave[0] == (byte)'+') WriteSnapshot();
                return OnSave;
            default:
                return FakeReply.Simple("OK");
        }
    }
}
