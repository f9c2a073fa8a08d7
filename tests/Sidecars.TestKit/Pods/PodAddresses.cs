using System.Net;
using Sidecars.TestKit.Network;

namespace Sidecars.TestKit.Pods;

/// <summary>
/// Gives out the addresses of a host's range to pods. A pod never gets back the address that its predecessor left, but others do after a
/// while: every third pod gets the one that has been free for longest.
/// </summary>
internal sealed class PodAddresses(NetworkHost host)
{
    private const int First = 10;
    private const int Last = 250;
    private const int ReuseEvery = 3;
    private readonly Queue<IPAddress> _free = new();
    private readonly HashSet<IPAddress> _taken = [];
    private int _given;
    private int _next = First;

    /// <summary>An address that no pod has.</summary>
    /// <param name="wanted">This one; null: any.</param>
    /// <exception cref="InvalidOperationException">The wanted one is taken, or none is left.</exception>
    public IPAddress Take(IPAddress? wanted = null)
    {
        var address = wanted ?? (++_given % ReuseEvery == 0 && _free.Count > 1 ? _free.Dequeue() : New());
        if (!_taken.Add(address)) throw new InvalidOperationException($"a pod has {address} already");
        return address;
    }

    /// <summary>Its pod is gone.</summary>
    public void Free(IPAddress address)
    {
        if (_taken.Remove(address)) _free.Enqueue(address);
    }

    private IPAddress New()
    {
        while (_free.TryPeek(out var freed) && _taken.Contains(freed)) _free.Dequeue(); // wanted meanwhile
        if (_next <= Last) return host.PodAddress(_next++);
        return _free.TryDequeue(out var oldest) ? oldest : throw new InvalidOperationException($"{host.Range} is used up");
    }
}
