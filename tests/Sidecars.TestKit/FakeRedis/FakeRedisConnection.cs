using System.Net.Sockets;
using Sidecars.Core.Redis;

namespace Sidecars.TestKit.FakeRedis;

/// <summary>The server's end of one connection, for scripts that go beyond command and reply.</summary>
public sealed class FakeRedisConnection(Socket socket, FakeRedisServer server) : IDisposable
{
    private readonly RespReader _reader = new();
    private readonly SemaphoreSlim _sending = new(1, 1);

    /// <summary>The next command's words as text; null once the client has closed.</summary>
    public async Task<IReadOnlyList<string>?> ReadCommandAsync(CancellationToken stop)
    {
        RespValue? value;
        while (!_reader.TryRead(out value))
        {
            var count = await socket.ReceiveAsync(_reader.GetMemory(), stop);
            if (count == 0) return null;
            _reader.Advance(count);
        }

        var words = value.Items.Select(item => item.Text).ToArray();
        server.Record(words);
        return words;
    }

    public async Task SendAsync(byte[] bytes, CancellationToken stop)
    {
        await _sending.WaitAsync(stop);
        try
        {
            for (ReadOnlyMemory<byte> rest = bytes; rest.Length > 0;) rest = rest[await socket.SendAsync(rest, stop)..];
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Each byte in a packet of its own, <paramref name="pause"/> apart.</summary>
    public async Task SendSlowlyAsync(byte[] bytes, TimeSpan pause, CancellationToken stop)
    {
        foreach (var octet in bytes)
        {
            await SendAsync([octet], stop);
            await Task.Delay(pause, stop);
        }
    }

    /// <summary>Ends the connection in order (FIN) once what was sent is read; with <paramref name="reset"/> at once, by RST.</summary>
    public void Close(bool reset = false)
    {
        if (reset) socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose()
    {
        Close();
        _sending.Dispose();
    }
}
