using System.Net;
using System.Net.Sockets;

namespace Sidecars.TestKit.Processes;

/// <summary>
/// Asks a plain server for a sign of life without the client under test: the inline command PING, and the first byte of
/// the answer. Any answer counts but <c>-LOADING</c>; a server that asks for a password is up.
/// </summary>
public static class InlinePing
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    /// <summary>True if the server at this loopback port answers.</summary>
    public static async Task<bool> AnswersAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(Deadline);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, limit.Token);
            await socket.SendAsync("PING\r\n"u8.ToArray(), limit.Token);
            var reply = new byte[64];
            var length = await socket.ReceiveAsync(reply, limit.Token);
            var text = reply.AsSpan(0, length);
            return length > 0 && !text.StartsWith("-LOADING"u8);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
