using System.Buffers;
using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Policy;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>
/// One Sentinel's part of a conversation with several: connect, one packet with AUTH and all questions, the replies. It never
/// waits; whoever has it calls <see cref="Step"/> when its socket is ready.
/// </summary>
internal sealed class SentinelCall : IDisposable
{
    private readonly ProbeLogin _login;
    private readonly RespCommand[] _questions;
    private readonly RespReader _reader;
    private readonly CallDeadline _deadline;
    private readonly RespValue?[] _replies;
    private int _read;
    private bool _awaitsLogin;

    /// <exception cref="RedisConnectionException">It can't even begin.</exception>
    public SentinelCall(RedisEndpoint sentinel, RespCommand[] questions, ProbeLogin login, RespLimits limits, CallDeadline deadline)
    {
        (_questions, _login, _deadline) = (questions, login, deadline);
        _reader = new RespReader(limits);
        _replies = new RespValue?[questions.Length];
        var address = IPAddress.Parse(sentinel.Host);
        Socket = PosixSocket.OpenNonBlocking(address.AddressFamily, sentinel.ToString());
        try
        {
            Socket.BeginConnect(address, sentinel.Port);
        }
        catch
        {
            Socket.Dispose();
            throw;
        }
    }

    public PosixSocket Socket { get; }

    /// <summary>What the socket is waited for: room for the packet (which is also the end of the connect), or replies.</summary>
    public bool IsSending { get; private set; } = true;

    public TimeSpan Remaining => _deadline.Remaining;

    /// <summary>What it said; null: nothing that is whole.</summary>
    public SentinelAnswer? Answer { get; private set; }

    /// <summary>Goes as far as it can without waiting.</summary>
    /// <returns>False when it is over, with or without an answer.</returns>
    public bool Step()
    {
        try
        {
            if (IsSending) return Send();
            var count = Socket.TryReceive(_reader.GetMemory().Span);
            if (count < 0) return true;
            if (count == 0) return false;
            _reader.Advance(count);
            while (_reader.TryRead(out var value))
            {
                if (Take(value)) return IsSending; // over, or asked once more
            }

            return true;
        }
        catch (Exception exception) when (exception is RedisConnectionException or RespProtocolException)
        {
            return false;
        }
    }

    public void Dispose() => Socket.Dispose();

    private bool Send()
    {
        var packet = new ArrayBufferWriter<byte>(256);
        _login.Credential?.ToCommand().WriteTo(packet);
        foreach (var question in _questions) question.WriteTo(packet);
        var sent = Socket.TrySend(packet.WrittenSpan);
        var isWhole = sent == packet.WrittenCount; // some hundred bytes, and the socket's buffer is empty
        packet.Clear(); // zeroes: it may have held a password
        (IsSending, _read, _awaitsLogin) = (false, 0, _login.Credential is not null);
        return isWhole;
    }

    // True with the last reply.
    private bool Take(RespValue value)
    {
        if (_awaitsLogin)
        {
            _awaitsLogin = false;
            _ = _login.Take(value);
            return false;
        }

        _replies[_read++] = value;
        if (_read < _replies.Length) return false;
        if (_login.Stands(_replies)) Answer = SentinelAnswer.Read(_replies);
        else IsSending = true;
        return true;
    }
}
