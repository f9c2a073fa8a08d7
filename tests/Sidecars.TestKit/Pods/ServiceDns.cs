using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.Pods;

/// <summary>What goes wrong with the cluster's names.</summary>
public enum NamesWeather
{
    /// <summary>Nothing.</summary>
    Fine,

    /// <summary>No query is answered.</summary>
    Away,

    /// <summary>Every query is answered after two seconds.</summary>
    Slow,

    /// <summary>
    /// One of two servers behind the address is gone, and the proxies do not know: which one a query goes to depends on the port it comes
    /// from, so that a question repeated from the same socket is lost again.
    /// </summary>
    HalfAway,

    /// <summary>Every query is answered at once with SERVFAIL, as while the server itself sees no API server.</summary>
    Failing,
}

/// <summary>
/// The name server of Services (CoreDNS), over UDP at <see cref="NetworkHosts.NameServer"/>: addresses of Services, and of the pods
/// behind headless ones, as they were a lag ago.
/// </summary>
public sealed class ServiceDns : IAsyncDisposable
{
    private const int Port = 53;
    private const int LongestQuery = 512;
    private static readonly TimeSpan SlowAnswer = TimeSpan.FromSeconds(2); // beyond the connect timeouts that names are resolved within
    private readonly LaggingView<ImmutableDictionary<string, ImmutableArray<IPAddress>>> _names;
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _socket;
    private readonly Task _serving;
    private ImmutableDictionary<string, ImmutableArray<IPAddress>> _seen = Empty;

    internal ServiceDns(NetworkHosts network, TimeSpan lag)
    {
        _names = new(Empty, lag, names => Volatile.Write(ref _seen, names));
        _socket = network.Switch.Bind(new IPEndPoint(NetworkHosts.NameServer, Port), SocketType.Dgram);
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>What goes wrong now.</summary>
    public NamesWeather Weather { get; set; }

    private static ImmutableDictionary<string, ImmutableArray<IPAddress>> Empty { get; } =
        ImmutableDictionary.Create<string, ImmutableArray<IPAddress>>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Until <see cref="Thaw"/> names lead where they lead now.</summary>
    public void Freeze() => _names.Freeze();

    /// <summary>Ends one <see cref="Freeze"/>.</summary>
    public void Thaw() => _names.Thaw();

    /// <summary>A name leads to these addresses from now on, and others see it after the lag; none: the name is gone.</summary>
    internal void Set(string name, params ImmutableArray<IPAddress> addresses) =>
        _names.Change(names => addresses.IsEmpty ? names.Remove(name) : names.SetItem(name, addresses));

    internal Task ShowNowAsync() => _names.ShowNowAsync();

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        await _names.DisposeAsync();
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[LongestQuery];
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (IsLost(received.RemoteEndPoint) || Reply(buffer.AsSpan(0, received.ReceivedBytes)) is not { } answer) continue;
                _ = SendAsync(answer, received.RemoteEndPoint);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // asked to stop
        }
    }

    private bool IsLost(EndPoint from) =>
        Weather == NamesWeather.Away
        || (Weather == NamesWeather.HalfAway && BitOperations.PopCount((uint)((IPEndPoint)from).Port) % 2 == 0);

    private async Task SendAsync(byte[] answer, EndPoint to)
    {
        try
        {
            if (Weather == NamesWeather.Slow) await Task.Delay(SlowAnswer, TimeProvider.System, _stop.Token);
            await _socket.SendToAsync(answer, to, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Who asked is gone, or we are.
        }
    }

    private byte[]? Reply(ReadOnlySpan<byte> query)
    {
        if (DnsMessage.ReadQuestion(query) is not { } question) return null;
        if (Weather == NamesWeather.Failing) return DnsMessage.Answer(query, question.QuestionEnd, DnsMessage.ServerFailure, []);
        if (Volatile.Read(ref _seen).TryGetValue(question.Name, out var addresses))
            return DnsMessage.Answer(query, question.QuestionEnd, DnsMessage.NoError, question.WantsAddresses ? addresses : []);
        // Names of the world outside are not known here, which is no proof that they do not exist.
        var isOurs = !question.Name.Contains('.', StringComparison.Ordinal)
            || question.Name.EndsWith(".svc", StringComparison.OrdinalIgnoreCase)
            || question.Name.EndsWith(PodNames.Domain, StringComparison.OrdinalIgnoreCase);
        return DnsMessage.Answer(query, question.QuestionEnd, isOurs ? DnsMessage.NoSuchName : DnsMessage.ServerFailure, []);
    }
}
