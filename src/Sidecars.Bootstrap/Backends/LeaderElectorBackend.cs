using Sidecars.Bootstrap.Election;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Bootstrap.Backends;

/// <summary>
/// The leader-elector side-car of the seed image: <c>GET http://localhost:4040/</c> answers <c>{"name": "…"}</c>, the id of
/// the leader. It carries no evidence: nodes ask each other (<see cref="PeerEvidence"/>), and the leader starts only where that shows that
/// no data can be lost (<see cref="BlindElectionPolicy"/>).
/// </summary>
public sealed class LeaderElectorBackend : IElectionBackend
{
    /// <summary>The answer is one small object; more is not the elector.</summary>
    private const int MaxAnswerBytes = 16 * 1024;

    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly IReadOnlyCollection<string> _myNames;

    /// <summary>Asks at <paramref name="url"/>.</summary>
    /// <param name="url">Plain http on localhost.</param>
    /// <param name="myNames">
    /// What the side-car may call me: the addresses of this host, its name, the announced host (<c>--id=$(hostname -i)</c> in the seed).
    /// </param>
    /// <param name="timeout">Longest time per request.</param>
    public LeaderElectorBackend(Uri url, IReadOnlyCollection<string> myNames, TimeSpan timeout)
    {
        _url = url;
        _myNames = myNames;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = timeout })
        {
            Timeout = timeout,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <summary>How the peers are asked what lies on their disks; null: they are not, and count as unseen.</summary>
    public PeerEvidence? Peers { get; init; }

    /// <summary>A file that a person's <c>allow-empty</c> leaves for this node; null: there is none.</summary>
    public string? WordFile { get; init; }

    /// <summary>The word was heard: this node starts.</summary>
    public void Consume()
    {
        if (WordFile is not null) File.Delete(WordFile);
    }

    /// <inheritdoc />
    public string Description => "elector:" + _url;

    /// <inheritdoc />
    public int? InheritedDescriptor => null;

    /// <inheritdoc />
    public async Task<ElectionObservation> ObserveAsync(CandidateEvidence mine, CancellationToken cancellation)
    {
        try
        {
            Peers?.Publish(mine);
            var asked = Peers?.AskAsync(cancellation);
            var body = await _http.GetByteArrayAsync(_url, cancellation).ConfigureAwait(false);
            if (!JsonFacts.TryParse(body, out var answer, out _))
                return new ElectionObservation.Unavailable("the elector's answer is not a JSON object");
            if (!answer.Contains("name")) return new ElectionObservation.Unavailable("the elector's answer has no \"name\"");
            var leader = answer.TextOrEmpty("name", MaxAnswerBytes);
            if (answer.Fault is { } fault) return new ElectionObservation.Unavailable($"the elector's answer: {fault.Detail}");
            var candidate = leader.Length == 0 ? null : _myNames.Contains(leader, StringComparer.OrdinalIgnoreCase) ? mine.Node : leader;
            return new ElectionObservation.Known(new ElectionView
            {
                Record = new ElectionRecord { Candidate = candidate, EmptyStartAllowedInTerm = File.Exists(WordFile) ? 0 : null },
                Version = leader,
                Evidence = asked is null ? [mine with { Live = true }] : [mine with { Live = true }, .. await asked.ConfigureAwait(false)],
                CarriesEvidence = false,
            });
        }
        catch (System.Net.Sockets.SocketException e)
        {
            return new ElectionObservation.Unavailable($"peers can't be told what lies on this disk: {e.Message}");
        }
        catch (HttpRequestException e)
        {
            return new ElectionObservation.Unavailable($"the elector does not answer: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ElectionObservation.Unavailable($"the elector did not answer within {DurationText.Of(_http.Timeout)}");
        }
    }

    /// <inheritdoc />
    public Task<ClaimOutcome> ClaimAsync(
        ElectionView decidedOn, CandidateEvidence mine, PersonsWordKind? word, CancellationToken cancellation) =>
        Task.FromResult<ClaimOutcome>(new ClaimOutcome.Lost("the elector chooses by itself"));

    /// <inheritdoc />
    public void Dispose()
    {
        Peers?.Dispose();
        _http.Dispose();
    }
}
