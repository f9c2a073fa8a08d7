using System.Net.Sockets;
using System.Text;
using Sidecars.Core.Primitives;

namespace Sidecars.Demo.Bench;

/// <summary>
/// SET commands in pipelines over a few connections, as fast as they are answered or at a rate. A batch is answered before the next is
/// sent; it costs next to no processor time, which on two processors the measured processes need.
/// </summary>
internal sealed class BackupLoad : IAsyncDisposable
{
    /// <summary>Commands of one batch.</summary>
    public const int Pipeline = 64;

    private const int Connections = 4;
    private const int ValueBytes = 100;
    private const int Keys = 100_000;
    private static readonly byte[][] Batches = [.. Enumerable.Range(0, 64).Select(Batch)];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private long _acknowledged;

    /// <summary>Starts at once.</summary>
    /// <param name="server">A Redis.</param>
    /// <param name="perSecond">Writes; 0: as many as it takes.</param>
    public BackupLoad(RedisEndpoint server, int perSecond) =>
        _running = Task.WhenAll(Enumerable.Range(0, Connections).Select(i => WriteAsync(server, i, perSecond / (double)Connections)));

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Writes that were acknowledged, a second, since it began.</summary>
    public double PerSecond => Acknowledged / TimeProvider.System.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Ends it; throws what a connection failed with.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private static byte[] Batch(int number)
    {
        var random = new Random(number);
        var text = new StringBuilder();
        for (var i = 0; i < Pipeline; i++)
        {
            var value = Convert.ToBase64String(Enumerable.Range(0, ValueBytes * 3 / 4).Select(_ => (byte)random.Next(256)).ToArray());
            var key = FormattableString.Invariant($"key:{random.Next(Keys):D8}");
            text.Append($"*3\r\n$3\r\nSET\r\n${key.Length}\r\n{key}\r\n${value.Length}\r\n{value}\r\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private async Task WriteAsync(RedisEndpoint server, int connection, double perSecond)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        var replies = new byte[Pipeline * 5]; // +OK CR LF
        for (var sent = 0L; !_stop.IsCancellationRequested; sent += Pipeline)
        {
            while (perSecond > 0 && sent > TimeProvider.System.GetElapsedTime(_started).TotalSeconds * perSecond)
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            await socket.SendAsync(Batches[(connection + (sent / Pipeline * Connections)) % Batches.Length]);
            for (var got = 0; got < replies.Length;)
            {
                var read = await socket.ReceiveAsync(replies.AsMemory(got));
                got += read > 0 ? read : throw new IOException("the server closed the connection");
            }

            if (replies.AsSpan().IndexOf("+OK\r\n"u8) != 0 || replies.AsSpan().Count((byte)'+') != Pipeline)
                throw new InvalidOperationException("a write was not acknowledged: " + Encoding.ASCII.GetString(replies));
            Interlocked.Add(ref _acknowledged, Pipeline);
        }
    }
}
