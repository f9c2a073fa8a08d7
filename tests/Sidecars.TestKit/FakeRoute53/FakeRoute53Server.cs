using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecars.TestKit.FakeAws;
using Sidecars.TestKit.FakeKubernetes;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.FakeRoute53;

/// <summary>What the server saw.</summary>
/// <param name="Operation">List, Change, …</param>
/// <param name="Status">HTTP status; 0: the answer was lost.</param>
/// <param name="Code">The error's, or empty.</param>
/// <param name="At">When it arrived, to compare with another process' log.</param>
public sealed record SeenCall(string Operation, int Status, string Code, DateTimeOffset At);

/// <summary>What happens to calls.</summary>
public enum Route53Weather
{
    /// <summary>They are answered.</summary>
    Fine,

    /// <summary>Connections are reset.</summary>
    Down,

    /// <summary>They are answered three seconds later.</summary>
    Slow,

    /// <summary>Another tenant uses up the account's limit.</summary>
    Throttling,
}

/// <summary>
/// Route 53 on a real socket, with its rules and not only its format: signatures, all-or-nothing batches, deletions that must match
/// exactly, one change of a zone at a time, the account's limit, changes that are PENDING first.
/// </summary>
public sealed class FakeRoute53Server : IAsyncDisposable
{
    public const string AccessKey = "AKIDEXAMPLE";
    public const string SecretKey = "not-a-secret/+of=anybody";
    public const string ZoneId = "Z0FAKE1";
    private static readonly TimeSpan SlowBy = TimeSpan.FromSeconds(3);
    private const string Api = "https://route53.amazonaws.com/doc/2013-04-01/";
    private static readonly XNamespace Ns = Api;
    private readonly ConcurrentQueue<SeenCall> _seen = new();
    private readonly Queue<long> _window = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, bool> _changes = [];
    private readonly WebApplication _app;
    private int _loseResponses;
    private bool _isChanging;

    private FakeRoute53Server(ListenElsewhere? elsewhere = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        SignalsAreNotOurs.Register(builder.Services);
        builder.WebHost.ConfigureKestrel(options => options.Listen(elsewhere?.Address ?? new IPEndPoint(IPAddress.Loopback, 0)));
        if (elsewhere is not null) builder.WebHost.UseSockets(o => o.CreateBoundListenSocket = _ => elsewhere.Bind(elsewhere.Address));
        _app = builder.Build();
        _app.Run(HandleAsync);
    }

    public Uri Endpoint => new(_app.Urls.Single() + "/");

    public FakeZone Zone { get; } = new("example.org.");

    /// <summary>Whose signatures are accepted; at first <see cref="AccessKey"/>'s.</summary>
    public FakeKeys Keys { get; init; } = new((AccessKey, SecretKey));

    /// <summary>
    /// Calls of the account in <see cref="LimitWindow"/>; the service has 5 a second. 0: none, for tests of something else.
    /// </summary>
    public int Limit { get; init; }

    public TimeSpan LimitWindow { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a change takes, in which another of the zone is PriorRequestNotComplete.</summary>
    public TimeSpan ChangeTakes { get; init; }

    /// <summary>Record sets a page at most, whatever is asked for.</summary>
    public int MaxPage { get; init; } = 300;

    /// <summary>What every call meets; default: all is well.</summary>
    public Route53Weather Weather { get; set; }

    public IReadOnlyList<SeenCall> Seen => [.. _seen];

    public int Count(string operation, int? status = null) =>
        _seen.Count(call => call.Operation == operation && (status is null || call.Status == status));

    public static async Task<FakeRoute53Server> StartAsync(FakeRoute53Server? server = null)
    {
        server ??= new FakeRoute53Server();
        await server._app.StartAsync();
        return server;
    }

    /// <summary>A server that is not started yet, for settings by <c>init</c>.</summary>
    public static FakeRoute53Server With(int limit = 0, TimeSpan? limitWindow = null, TimeSpan changeTakes = default, int maxPage = 300,
        ListenElsewhere? elsewhere = null, FakeKeys? keys = null) =>
        new(elsewhere)
        {
            Keys = keys ?? new FakeKeys((AccessKey, SecretKey)),
            Limit = limit,
            LimitWindow = limitWindow ?? TimeSpan.FromSeconds(1),
            ChangeTakes = changeTakes,
            MaxPage = maxPage
        };

    /// <summary>The next changes are applied, and their callers never hear of it.</summary>
    public void LoseResponses(int count) => Interlocked.Exchange(ref _loseResponses, count);

    /// <summary>All changes so far reach all name servers.</summary>
    public void Settle()
    {
        lock (_lock)
        {
            foreach (var id in _changes.Keys) _changes[id] = true;
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        var at = TimeProvider.System.GetUtcNow();
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer);
        if (Weather == Route53Weather.Slow)
            await Task.Delay(SlowBy, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Weather == Route53Weather.Down)
        {
            context.Abort();
            return;
        }

        var path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var operation = (context.Request.Method, path) switch
        {
            ("GET", ["2013-04-01", "hostedzone", _, "rrset"]) => "List",
            ("POST", ["2013-04-01", "hostedzone", _, "rrset"]) => "Change",
            ("GET", ["2013-04-01", "change", _]) => "GetChange",
            _ => "Unknown",
        };
        var (status, code, body) = Weather == Route53Weather.Throttling || IsOverLimit()
            ? Error(400, "Throttling", "Rate exceeded")
            : FakeSignatures.Check(context.Request, buffer.ToArray(), Keys, "route53") is { } refusal
                ? Error(403, refusal.Code, refusal.Message)
                : await AnswerAsync(operation, path, context.Request, buffer.ToArray());
        if (operation == "Change" && status == 200 && Interlocked.Decrement(ref _loseResponses) >= 0)
        {
            _seen.Enqueue(new SeenCall(operation, 0, "lost", at));
            context.Abort();
            return;
        }

        _seen.Enqueue(new SeenCall(operation, status, code, at));
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/xml";
        await context.Response.WriteAsync(body);
    }

    private async Task<(int Status, string Code, string Body)> AnswerAsync(
        string operation, string[] path, HttpRequest request, byte[] body)
    {
        if (operation == "Unknown") return Error(404, "UnknownOperationException", request.Path);
        if (path[1] == "hostedzone" && path[2] != ZoneId) return Error(404, "NoSuchHostedZone", $"No hosted zone found with ID: {path[2]}");
        return operation switch
        {
            "List" => List(request.Query),
            "Change" => await ChangeAsync(body),
            _ => GetChange(path[2]),
        };
    }

    private (int Status, string Code, string Body) List(IQueryCollection query)
    {
        lock (_lock)
        {
            var from = new FakeRecordSet(
                query["name"].ToString().TrimEnd('.') + ".", query["type"].ToString(), null, [], query["identifier"]);
            var sets = Zone.Sets.OrderBy(set => set.Order, StringComparer.Ordinal)
                .Where(set => string.CompareOrdinal(set.Order, from.Order) >= 0).ToList();
            var size = Math.Min(MaxPage, int.Parse(query["maxitems"].ToString(), CultureInfo.InvariantCulture));
            var next = sets.ElementAtOrDefault(size);
            var tail = next is null
                ? "<IsTruncated>false</IsTruncated>"
                : $"<IsTruncated>true</IsTruncated><NextRecordName>{next.Name}</NextRecordName><NextRecordType>"
                    + $"{next.Type}</NextRecordType>"
                    + $"{(next.SetIdentifier is null ? "" : $"<NextRecordIdentifier>{next.SetIdentifier}</NextRecordIdentifier>")}";
            return Ok(
                $"<ListResourceRecordSetsResponse xmlns=\"{Api}\"><ResourceRecordSets>{string.Concat(sets.Take(size).Select(Xml))}</ResourceRecordSets>{tail}<MaxItems>{size}</MaxItems></ListResourceRecordSetsResponse>");
        }
    }

    private async Task<(int Status, string Code, string Body)> ChangeAsync(byte[] body)
    {
        if (body is not [(byte)'<', ..]) return Error(400, "InvalidInput", "The body begins with something else than an element");
        lock (_lock)
        {
            if (_isChanging)
                return Error(
                    400, "PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request.");
            _isChanging = true;
        }

        if (ChangeTakes > TimeSpan.Zero) await Task.Delay(ChangeTakes);
        lock (_lock)
        {
            _isChanging = false;
            using var stream = new MemoryStream(body);
            var changes = XElement.Load(stream).Descendants(Ns + "Change").Select(
                change => new FakeChange(change.Element(Ns + "Action")!.Value, Read(change.Element(Ns + "ResourceRecordSet")!))).ToList();
            var refused = Zone.Apply(changes);
            if (refused.Count > 0)
                return (400, "InvalidChangeBatch",
                    $"<?xml version=\"1.0\"?><InvalidChangeBatch xmlns=\"{Api}\"><Messages>"
                    + string.Concat(refused.Select(message => $"<Message>{SecurityElement.Escape(message)}</Message>"))
                    + "</Messages><RequestId>r</RequestId></InvalidChangeBatch>");
            var id = FormattableString.Invariant($"C{_changes.Count + 1:000}");
            _changes[id] = false;
            return Ok(Change("ChangeResourceRecordSetsResponse", id));
        }
    }

    private (int Status, string Code, string Body) GetChange(string id)
    {
        lock (_lock)
            return _changes.ContainsKey(id)
                ? Ok(Change("GetChangeResponse", id))
                : Error(404, "NoSuchChange", $"Could not find resource with ID: {id}");
    }

    private bool IsOverLimit()
    {
        if (Limit == 0) return false;
        lock (_lock)
        {
            var now = TimeProvider.System.GetTimestamp();
            while (_window.Count > 0 && TimeProvider.System.GetElapsedTime(_window.Peek(), now) > LimitWindow) _ = _window.Dequeue();
            if (_window.Count >= Limit) return true;
            _window.Enqueue(now);
            return false;
        }
    }

    private string Change(string root, string id) =>
        $"<{root} xmlns=\"{Api}\"><ChangeInfo><Id>/change/{id}</Id><Status>{(_changes[id] ? "INSYNC" : "PENDING")}</Status>"
        + $"<SubmittedAt>2026-11-21T00:00:00Z</SubmittedAt></ChangeInfo></{root}>";

    private static string Xml(FakeRecordSet set) =>
        $"<ResourceRecordSet><Name>{set.Name}</Name><Type>{set.Type}</Type>"
        + $"{(set.SetIdentifier is null ? "" : $"<SetIdentifier>{set.SetIdentifier}</SetIdentifier>")}{set.Special}"
        + (set.Ttl is { } ttl ? FormattableString.Invariant($"<TTL>{ttl}</TTL>") : "")
        + (set.Values.Count == 0
            ? ""
            : "<ResourceRecords>"
                + string.Concat(set.Values.Select(value =>
                    $"<ResourceRecord><Value>{SecurityElement.Escape(value)}</Value></ResourceRecord>"))
                + "</ResourceRecords>")
        + "</ResourceRecordSet>";

    private static FakeRecordSet Read(XElement set) => new(
        set.Element(Ns + "Name")!.Value.TrimEnd('.').ToLowerInvariant() + ".",
        set.Element(Ns + "Type")!.Value,
        set.Element(Ns + "TTL") is { } ttl ? long.Parse(ttl.Value, CultureInfo.InvariantCulture) : null,
        [.. set.Descendants(Ns + "Value").Select(value => value.Value)]);

    private static (int Status, string Code, string Body) Ok(string xml) => (200, "", "<?xml version=\"1.0\"?>\n" + xml);

    private static (int Status, string Code, string Body) Error(int status, string code, string message) =>
        (status, code,
            $"<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"{Api}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{SecurityElement.Escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>");
}
