using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecars.TestKit.FakeElector;

/// <summary>
/// The leader-elector side-car on a real loopback socket: each request gets what <see cref="Answer"/> says at that moment, so
/// that a test can change its mind. Each connection serves one request.
/// </summary>
public sealed class FakeElectorServer : IAsyncDisposable
{
    private static readonly TimeSpan TricklePause = TimeSpan.FromMilliseconds(20);
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _requests;

    private FakeElectorServer(int port, Func<NetworkStream, CancellationToken, Task> answer)
    {
        Answer = answer;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        var local = (IPEndPoint)_listener.LocalEndpoint;
        Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{local.Port}/"));
        _accepting = AcceptAsync();
    }

    /// <summary>ELECTOR_URL.</summary>
    public Uri Url { get; }

    /// <summary>What the next requests get.</summary>
    public Func<NetworkStream, CancellationToken, Task> Answer { get; set; }

    /// <summary>Requests answered, or being answered.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Starts; port 0 takes any free one.</summary>
    public static FakeElectorServer Start(Func<NetworkStream, CancellationToken, Task> answer, int port = 0) => new(port, answer);

    /// <summary>As the side-car answers: <c>{"name": "…"}</c>.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Leader(string name) => Body($$"""{"name": "{{name}}"}""");

    /// <summary>A body, with a status line of the test's own.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Body(string body, string status = "200 OK") =>
        (stream, stop) => stream.WriteAsync(Head(status, Encoding.UTF8.GetByteCount(body), body), stop).AsTask();

    /// <summary>Bytes as they are, then the end of the connection.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Raw(byte[] bytes) =>
        (stream, stop) => stream.WriteAsync(bytes, stop).AsTask();

    /// <summary>A body without end.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Endless() => async (stream, stop) =>
    {
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"u8.ToArray(), stop);
        var chunk = Encoding.UTF8.GetBytes(new string(' ', 1 << 16));
        while (true) await stream.WriteAsync(chunk, stop);
    };

    /// <summary>A good answer, a byte at a time, so slowly that it never arrives.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Trickling() => async (stream, stop) =>
    {
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"u8.ToArray(), stop);
        while (true)
        {
            await stream.WriteAsync(" "u8.ToArray(), stop);
            await Task.Delay(TricklePause, TimeProvider.System, stop);
        }
    };

    /// <summary>Stops listening and ends what is being answered.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private static byte[] Head(string status, int length, string body) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"));

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true) serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // stopped
        }

        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var request = new byte[8192];
                var length = 0;
                while (!request.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
                {
                    var count = await stream.ReadAsync(request.AsMemory(length), _stop.Token);
                    if (count == 0) return;
                    length += count;
                }

                Interlocked.Increment(ref _requests);
                await Answer(stream, _stop.Token);
                client.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // The client gave up, or the test ends.
            }
        }
    }
}
