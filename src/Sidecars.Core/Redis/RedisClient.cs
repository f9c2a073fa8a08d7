using System.Buffers;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Redis;

/// <summary>
/// One connection to Redis or Sentinel. Safe for concurrent calls, which run one after the other. The first failure of any kind
/// (deadline and cancellation included) closes the connection, so that a late reply is never taken for another call's; later
/// calls fail with <see cref="RedisFailure.Closed"/>, and the caller connects again. It never reconnects by itself: after a
/// reconnect the server may be another one, and whoever asks has to verify that first.
/// </summary>
public sealed class RedisClient : IAsyncDisposable
{
    private const int MaxQueuedMessages = 4096; // messages taken in while a reply was awaited; more is a peer that floods
    private readonly Stream _stream;
    private readonly RedisClientOptions _options;
    private readonly string _peer;
    private readonly RespReader _reader;
    private readonly Queue<RespValue> _messages = new();
    private readonly ArrayBufferWriter<byte> _output = new(256);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Task<int>? _read; // outlives a wait that was given up, so that no byte is lost or read twice
    private bool _subscribed;
    private string? _lastError; // null: the last value was none
    private volatile bool _readingMessage;
    private volatile string? _closed;

    private RedisClient(Stream stream, RedisClientOptions options, string peer)
    {
        _stream = stream;
        _options = options;
        _peer = peer;
        _reader = new RespReader(options.Limits);
    }

    /// <summary>False once a call failed, the peer was found to have closed, or after Dispose.</summary>
    public bool IsUsable => _closed is null;

    /// <summary>Connects, then sends AUTH with each credential in order until one is accepted.</summary>
    /// <exception cref="RedisConnectionException">No connection, or no credential was accepted.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public static async Task<RedisClient> ConnectAsync(IRespTransport transport, RedisClientOptions options, CancellationToken cancellation)
    {
        var stream = await OpenAsync(transport, options, cancellation).ConfigureAwait(false);
        var client = new RedisClient(stream, options, transport.Description);
        try
        {
            await client.LogInAsync(cancellation).ConfigureAwait(false);
            if (options.ClientName is { } name)
                _ = await client.CallAsync(RespCommand.Of("CLIENT", "SETNAME", name), cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// One command, one reply, within <see cref="RedisClientOptions.CommandTimeout"/>. An error reply is returned, not thrown.
    /// </summary>
    /// <remarks>
    /// SUBSCRIBE and its relatives return their last confirmation; messages that come meanwhile are kept for
    /// <see cref="ReadMessageAsync"/>.
    /// </remarks>
    /// <exception cref="RedisConnectionException">No whole reply.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public Task<RespValue> CallAsync(RespCommand command, CancellationToken cancellation) =>
        CallAsync(command, _options.CommandTimeout, cancellation);

    /// <summary>Calls <see cref="CallAsync(RespCommand, CancellationToken)"/> with words of text.</summary>
    public Task<RespValue> CallAsync(CancellationToken cancellation, params string[] words) =>
        CallAsync(RespCommand.Of(words), _options.CommandTimeout, cancellation);

    /// <summary>
    /// Calls <see cref="CallAsync(RespCommand, CancellationToken)"/> with its own deadline, for commands that block (WAIT, SAVE).
    /// </summary>
    public async Task<RespValue> CallAsync(RespCommand command, TimeSpan timeout, CancellationToken cancellation)
    {
        var replies = await ExchangeAsync([command], timeout, cancellation).ConfigureAwait(false);
        return replies[0];
    }

    /// <summary>
    /// Sends several commands in one write, and returns their replies in order, all within one
    /// <see cref="RedisClientOptions.CommandTimeout"/>.
    /// </summary>
    /// <exception cref="RedisConnectionException">A reply is missing; commands may have been executed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public async Task<IReadOnlyList<RespValue>> PipelineAsync(IReadOnlyList<RespCommand> commands, CancellationToken cancellation) =>
        commands.Count == 0 ? [] : await ExchangeAsync(commands, _options.CommandTimeout, cancellation).ConfigureAwait(false);

    /// <summary>
    /// Reads the next value that the server sends unasked: a Pub/Sub message (RESP2 array or RESP3 push alike). Waits without a deadline.
    /// Cancelling the wait loses nothing and leaves the connection usable.
    /// </summary>
    /// <exception cref="RedisConnectionException">The connection ended.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another call waits for a message.</exception>
    public async Task<RespValue> ReadMessageAsync(CancellationToken cancellation) =>
        (await TryReadMessageAsync(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(false))!;

    /// <summary>
    /// <see cref="ReadMessageAsync"/> that gives up after <paramref name="idle"/> with null and leaves the connection usable: the
    /// moment to send a PING and so find out whether a silent peer still lives.
    /// </summary>
    public async Task<RespValue?> TryReadMessageAsync(TimeSpan idle, CancellationToken cancellation)
    {
        await EnterAsync(new CallDeadline(_options.Time, _options.CommandTimeout), cancellation).ConfigureAwait(false);
        _readingMessage = true;
        try
        {
            if (_messages.TryDequeue(out var queued)) return queued;
            ThrowIfClosed();
            return await ReadValueAsync(new CallDeadline(_options.Time, idle), cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException || IsCancelled(exception, cancellation))
        {
            if (exception is TimeoutException) return null;
            throw;
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
        finally
        {
            _readingMessage = false;
            _gate.Release();
        }
    }

    /// <summary>Closes the connection; a call under way fails with <see cref="RedisFailure.Closed"/>.</summary>
    public ValueTask DisposeAsync()
    {
        Close("disposed");
        return ValueTask.CompletedTask;
    }

    private static bool IsCancelled(Exception exception, CancellationToken cancellation) =>
        exception is OperationCanceledException && cancellation.IsCancellationRequested;

    private static async Task<Stream> OpenAsync(IRespTransport transport, RedisClientOptions options, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            return await transport.ConnectAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or System.Net.Sockets.SocketException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw exception is OperationCanceledException
                ? new RedisConnectionException(RedisFailure.ConnectTimedOut,
                    $"{transport.Description}: no connection within {DurationText.Of(options.ConnectTimeout)}.", exception)
                : RedisConnectionException.FromConnect(exception, transport.Description);
        }
    }

    private async Task LogInAsync(CancellationToken cancellation)
    {
        if (_options.Credentials.Count == 0) return;
        var login = new RedisLogin(_options.Credentials, _peer);
        while (login.TryNext(out var command))
        {
            if (login.Accept(await CallAsync(command, cancellation).ConfigureAwait(false))) return;
        }

        throw login.Failed();
    }

    private async Task<RespValue[]> ExchangeAsync(IReadOnlyList<RespCommand> commands, TimeSpan timeout, CancellationToken cancellation)
    {
        var deadline = new CallDeadline(_options.Time, timeout);
        await EnterAsync(deadline, cancellation).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            foreach (var command in commands) command.WriteTo(_output);
            await _stream.WriteAsync(_output.WrittenMemory, cancellation).AsTask()
                .WaitAsync(deadline.Remaining, _options.Time, cancellation).ConfigureAwait(false);
            var replies = new RespValue[commands.Count];
            for (var i = 0; i < replies.Length; i++)
                replies[i] = await ReadReplyAsync(commands[i], deadline, cancellation).ConfigureAwait(false);
            return replies;
        }
        catch (Exception exception) when (IsCancelled(exception, cancellation))
        {
            Close("a call was cancelled");
            throw;
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
        finally
        {
            _output.Clear(); // zeroes: it may have held a password
            _gate.Release();
        }
    }

    private async Task<RespValue> ReadReplyAsync(RespCommand command, CallDeadline deadline, CancellationToken cancellation)
    {
        _subscribed |= PubSub.IsSubscription(command.Name);
        var missing = PubSub.RepliesTo(command);
        while (true)
        {
            var value = await ReadValueAsync(deadline, cancellation).ConfigureAwait(false);
            if (!PubSub.IsUnasked(value, command.Name, _subscribed))
            {
                if (--missing == 0 || value.IsError) return value; // a refused SUBSCRIBE answers once, whatever its channels
            }
            else if (_messages.Count == MaxQueuedMessages)
            {
                throw new RedisConnectionException(RedisFailure.Protocol, $"{_peer}: {MaxQueuedMessages} messages came before a reply.");
            }
            else
            {
                _messages.Enqueue(value);
            }
        }
    }

    private async Task<RespValue> ReadValueAsync(CallDeadline deadline, CancellationToken cancellation)
    {
        RespValue? value;
        while (!_reader.TryRead(out value))
        {
            _read ??= _stream.ReadAsync(_reader.GetMemory(), CancellationToken.None).AsTask();
            var count = await _read.WaitAsync(deadline.Remaining, _options.Time, cancellation).ConfigureAwait(false);
            _read = null;
            if (count == 0)
            {
                var where = _reader.IsBetweenValues ? "" : " in the middle of a reply";
                throw new RedisConnectionException(RedisFailure.Closed, $"{_peer}: closed by the peer{where}.");
            }

            _reader.Advance(count);
        }

        _lastError = value.IsError ? RedisLogin.WithoutArguments(value.Text) : null;
        return value;
    }

    // Waiting for one's turn that takes too long is a time-out too, but leaves the connection to the call under way.
    private async Task EnterAsync(CallDeadline deadline, CancellationToken cancellation)
    {
        if (_readingMessage) throw new InvalidOperationException("A call waits for a message on this connection.");
        if (!await _gate.WaitAsync(TimeSpan.Zero, cancellation).ConfigureAwait(false))
        {
            using var expired = new CancellationTokenSource(deadline.Remaining, _options.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(expired.Token, cancellation);
            try
            {
                await _gate.WaitAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException exception)
            {
                cancellation.ThrowIfCancellationRequested();
                throw new RedisConnectionException(
                    RedisFailure.TimedOut, $"{_peer}: calls before this one took all of its time.", exception);
            }
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed is { } reason)
            throw new RedisConnectionException(RedisFailure.Closed, $"{_peer}: the connection was closed ({reason}).");
    }

    private RedisConnectionException Fail(Exception exception)
    {
        var failure = _closed is { } reason && exception is not RedisConnectionException
            ? new RedisConnectionException(RedisFailure.Closed, $"{_peer}: the connection was closed ({reason}).", exception)
            : RedisConnectionException.From(exception, _peer);
        // A server that is full answers whatever comes first with an error and closes: that error is the cause.
        if (failure.Failure == RedisFailure.Closed && _lastError is { } said)
            failure = new RedisConnectionException(RedisFailure.Closed, $"{_peer}: closed by the peer, which said '{said}'.", exception);
        Close($"{failure.Failure}");
        return failure;
    }

    private void Close(string reason)
    {
        if (Interlocked.CompareExchange(ref _closed, reason, null) is not null) return;
        _stream.Dispose();
        _ = _read?.ContinueWith(
            static read => _ = read.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
