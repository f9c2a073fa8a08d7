using System.Net;
using Sidecars.Core.Primitives;
using Sidecars.Core.Redis;
using Sidecars.Probe.Policy;
using Sidecars.Probe.Sockets;

namespace Sidecars.Probe.Reading;

/// <summary>
/// Asks the Sentinels whom they name: at once as many as would settle it if all agreed, another for each that is silent or of
/// another opinion, until a majority contradicts or no longer can. Each has a small budget of the one deadline: a dead one is
/// unknown, never a reason to fail.
/// </summary>
internal sealed class SentinelQuestion(ProbeRequest request, CallDeadline deadline, TimeProvider time, RespLimits limits)
{
    // A Sentinel answers within 2 ms; this is a node whose packets vanish. Three of them leave a third of the default deadline.
    private static readonly TimeSpan MaxBudget = TimeSpan.FromMilliseconds(200);
    private readonly RespCommand[] _questions = SentinelAnswer.Questions(request.MasterName);

    public SentinelVotes Ask(Func<NamedMaster, bool> agrees)
    {
        var tally = new SentinelTally(request.SentinelCount);
        var sentinels = Addresses();
        if (request.Secure is null) AskTogether(sentinels, tally, agrees);
        else AskInTurn(sentinels, tally, agrees);
        return tally.Votes;
    }

    private void AskTogether(List<RedisEndpoint> sentinels, SentinelTally tally, Func<NamedMaster, bool> agrees)
    {
        var calls = new List<SentinelCall>();
        var next = 0;
        try
        {
            while (tally.Needed > 0)
            {
                while (calls.Count < tally.Needed && next < sentinels.Count)
                {
                    if (Begin(sentinels[next], sentinels.Count - next) is { } call) calls.Add(call);
                    next++;
                }

                if (calls.Count == 0) return;
                Wait(calls);
                for (var i = calls.Count - 1; i >= 0; i--)
                {
                    if (calls[i].Remaining > TimeSpan.Zero && (!calls[i].Socket.IsReady || calls[i].Step())) continue;
                    calls[i].Answer?.CountIn(tally, agrees);
                    calls[i].Dispose();
                    calls.RemoveAt(i);
                }
            }
        }
        finally
        {
            foreach (var call in calls) call.Dispose();
        }
    }

    private SentinelCall? Begin(RedisEndpoint sentinel, int left)
    {
        var budget = Budget(left);
        if (budget <= TimeSpan.Zero) return null;
        try
        {
            return new SentinelCall(
                sentinel, _questions, new ProbeLogin(request.Credentials, request.OpenCredential), limits, new CallDeadline(time, budget));
        }
        catch (RedisConnectionException)
        {
            return null;
        }
    }

    private static void Wait(List<SentinelCall> calls)
    {
        var patience = MaxBudget;
        Span<PosixSocket.Interest> interests = new PosixSocket.Interest[calls.Count];
        for (var i = 0; i < interests.Length; i++)
        {
            interests[i] = new PosixSocket.Interest(calls[i].Socket, calls[i].IsSending);
            if (calls[i].Remaining < patience) patience = calls[i].Remaining;
        }

        PosixSocket.Wait(interests, patience);
    }

    // TLS is a stream that blocks.
    private void AskInTurn(List<RedisEndpoint> sentinels, SentinelTally tally, Func<NamedMaster, bool> agrees)
    {
        for (var i = 0; i < sentinels.Count && tally.Needed > 0; i++)
        {
            var budget = Budget(sentinels.Count - i);
            if (budget <= TimeSpan.Zero) return;
            try
            {
                using var exchange = new ProbeExchange(
                    ProbeConnector.Connect(sentinels[i], budget, time, limits, request.Secure),
                    new ProbeLogin(request.Credentials, request.OpenCredential));
                SentinelAnswer.Read(exchange.Ask(_questions)).CountIn(tally, agrees);
            }
            catch (RedisConnectionException)
            {
                // Unknown.
            }
        }
    }

    private TimeSpan Budget(int left)
    {
        var share = deadline.Remaining / left;
        return share < MaxBudget ? share : MaxBudget;
    }

    // A name is one Sentinel for each of its addresses (a headless Service); one that does not resolve in time is nobody.
    // Another one first at each probe: they share the load.
    private List<RedisEndpoint> Addresses()
    {
        var addresses = new List<RedisEndpoint>();
        foreach (var sentinel in request.Sentinels)
        {
            if (IPAddress.TryParse(sentinel.Host, out _))
            {
                addresses.Add(sentinel);
                continue;
            }

            foreach (var address in ProbeConnector.Resolve(sentinel.Host, deadline.Remaining / 2))
                addresses.Add(new RedisEndpoint(address.ToString(), sentinel.Port));
        }

        if (addresses.Count < 2) return addresses;
        var first = Environment.ProcessId % addresses.Count;
        return [.. addresses[first..], .. addresses[..first]];
    }
}
