using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Sidecars.Core.Election;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Backends;

/// <summary>
/// Proves that evidence is of the own group: HMAC-SHA-256 by the sidecars' password over a nonce of who asks. Without a password it
/// still tells tenants apart, as the ACL users' names do.
/// </summary>
/// <param name="cluster">The group.</param>
/// <param name="password">What its sidecars log in with.</param>
public sealed class PeerEvidenceKey(ClusterId cluster, string password)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes($"evidence {cluster.Value} {password}");

    internal string Sign(string nonce, ReadOnlySpan<byte> evidence) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_key, (byte[])[.. Encoding.ASCII.GetBytes(nonce), .. evidence]));

    internal bool Verifies(string nonce, ReadOnlySpan<byte> evidence, string signature) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Sign(nonce, evidence)), Encoding.ASCII.GetBytes(signature));
}

/// <summary>
/// How waiting nodes tell each other what lies on their disks where the backend carries no evidence. Not at the Redis port: an
/// address that Sentinels name must stay silent, and a connection refused there is how a death is known. One exchange a connection:
/// a nonce, and the evidence with its signature.
/// </summary>
/// <param name="me">Where this node's Redis will listen; the port of evidence follows from it.</param>
/// <param name="key">The key of the group.</param>
/// <param name="peers">Where the Redis nodes are, this one perhaps among them.</param>
/// <param name="timeout">Longest time to wait for one answer.</param>
/// <param name="time">The clock of the deadlines.</param>
public sealed class PeerEvidence(
    RedisEndpoint me, PeerEvidenceKey key, Func<CancellationToken, Task<IReadOnlyCollection<RedisEndpoint>>> peers, TimeSpan timeout,
    TimeProvider time)
    : IDisposable
{
    private const int Offset = 10_000; // as Redis Cluster's bus lies from its data port, which no group here uses
    private const int HighestFixed = 32_767; // above it Linux takes local ports of outgoing connections (ip_local_port_range)
    private const int NonceLength = 32;
    private const int MaxLine = ElectionDocuments.MaxBytes + 128; // the document, a space, 64 digits
    private const int MostAtOnce = CandidateEvidence.MaxRedisCount; // one question of each node

    private static readonly TimeSpan AfterFailedAccept = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _slots = new(MostAtOnce);
    private TcpListener? _listener;
    private bool _ended;
    private volatile CandidateEvidence? _mine;

    /// <summary>Calculates the port at which the node with that Redis port answers.</summary>
    public static int PortOf(int redisPort) => redisPort + Offset <= HighestFixed ? redisPort + Offset : redisPort - Offset;

    /// <summary>From now on this is what peers are told; listens from the first time on.</summary>
    /// <exception cref="SocketException">The port can't be listened on.</exception>
    public void Publish(CandidateEvidence mine)
    {
        _mine = mine;
        if (_listener is not null) return;
        var listener = new TcpListener(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, PortOf(me.Port));
        if (Socket.OSSupportsIPv6) listener.Server.DualMode = true;
        listener.Start();
        _listener = listener;
        _ = AcceptAsync(listener, _stop.Token);
    }

    /// <summary>
    /// What the peers that answer say, each marked live. A peer that is not there, or proves nothing, is left out: it is unseen.
    /// </summary>
    public async Task<IReadOnlyList<CandidateEvidence>> AskAsync(CancellationToken cancellation)
    {
        var endpoints = await peers(cancellation).ConfigureAwait(false);
        var answers = await Task.WhenAll(endpoints.Where(e => e != me).Select(e => AskAsync(e, cancellation))).ConfigureAwait(false);
        return [.. answers.OfType<CandidateEvidence>().Where(e => e.Incarnation != _mine?.Incarnation)];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        _stop.Cancel();
        _listener?.Dispose();
        _stop.Dispose();
    }

    private async Task<CandidateEvidence?> AskAsync(RedisEndpoint peer, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(peer.Host, PortOf(peer.Port), either.Token).ConfigureAwait(false);
            var stream = client.GetStream();
            var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceLength / 2));
            await stream.WriteAsync(Encoding.ASCII.GetBytes(nonce + "\n"), either.Token).ConfigureAwait(false);
            if (await ReadLineAsync(stream, MaxLine, either.Token).ConfigureAwait(false) is not { } line) return null;
            var space = Array.IndexOf(line, (byte)' ');
            if (space < 0) return null;
            var document = line.AsSpan(space + 1);
            return key.Verifies(nonce, document, Encoding.ASCII.GetString(line, 0, space))
                && ElectionDocuments.TryRead(document, out CandidateEvidence? evidence)
                ? evidence! with { Live = true }
                : null;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task AcceptAsync(TcpListener listener, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await _slots.WaitAsync(cancellation).ConfigureAwait(false);
                _ = AnswerAsync(await listener.AcceptTcpClientAsync(cancellation).ConfigureAwait(false), cancellation);
            }
            catch (SocketException)
            {
                _slots.Release();
                // The peer is gone already, or this process is out of descriptors: no reason to spin.
                await Task.Delay(AfterFailedAccept, time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(TcpClient client, CancellationToken cancellation)
    {
        try
        {
            using var open = client;
            using var deadline = new CancellationTokenSource(timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
            var stream = open.GetStream();
            if (await ReadLineAsync(stream, NonceLength, either.Token).ConfigureAwait(false) is not { Length: NonceLength } nonce
                || _mine is not { } mine)
                return;
            var document = ElectionDocuments.Write(mine);
            var signature = key.Sign(Encoding.ASCII.GetString(nonce), document);
            await stream.WriteAsync(
                (byte[])[.. Encoding.ASCII.GetBytes(signature + " "), .. document, (byte)'\n'], either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // who asked asks again
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Up to a line end, which is left out; null where there is none within the bound.</summary>
    private static async Task<byte[]?> ReadLineAsync(Stream stream, int max, CancellationToken cancellation)
    {
        var line = new byte[max + 1];
        for (var filled = 0; filled < line.Length;)
        {
            var read = await stream.ReadAsync(line.AsMemory(filled), cancellation).ConfigureAwait(false);
            if (read == 0) return null;
            var end = Array.IndexOf(line, (byte)'\n', filled, read);
            if (end >= 0) return line[..end];
            filled += read;
        }

        return null;
    }
}
