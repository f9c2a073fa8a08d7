using Sidecars.Core.Election;
using static Sidecars.Fuzz.Targets.LineageSamples;

namespace Sidecars.Fuzz.Targets;

/// <summary>Words of both documents.</summary>
internal static class ElectionWords
{
    public static readonly byte[][] All = Words(
        "null", "\"format\":", "\"term\":", "\"last_serving\":", "\"candidate\":", "\"in_sync\":", "\"history\":", "\"token\":\"9.9.9\"",
        "\\u0000", "-1", "1e3",
        "9007199254740992", "99999999999999999999", "[[", "{", "}", ",", Id);
}

/// <summary>The record of a group's elections.</summary>
internal sealed class ElectionRecordTarget : IFuzzTarget
{
    public string Name => "election-record";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        """{"format":1,"record":{}}"""u8.ToArray(),
        Text($$$"""
            {"format":1,"record":{"term":3,"candidate":"redis-0","candidate_uid":"u-0","candidate_incarnation":"i","candidate_address":"10.0.0.1:6379",
            "empty_start_allowed_in_term":2,"highest_epoch":7,"last_serving":{"node":"redis-1","uid":"u-1","address":"10.0.0.2:6379","token":"3.7.1",
            "replication_id":"{{{Id}}}","offset":12},"in_sync":[{"node":"redis-0","uid":"u-0","offset":11}],
            "history":[{"replication_id":"{{{Id}}}","start_offset":0,"term":3,"epoch":7,"generation":4,"master":{"name":"redis-1","uid":"u-1"}}],"round":"r1"}}
            """),
    ];

    public IReadOnlyList<byte[]> Words => ElectionWords.All;

    public long AllocationBound(int length) => 128_000 + (100L * length);

    public void Run(byte[] input)
    {
        if (!ElectionDocuments.TryRead(input, out ElectionRecord record, out var why))
        {
            FuzzViolationException.Unless(why.Length > 0, "a refusal says why");
            return;
        }

        FuzzViolationException.Unless(
            record.LastServing is not { } serving || (serving.Token.Term <= record.Term && serving.Token.Epoch <= record.HighestEpoch),
            "no token above the record's own");
        FuzzViolationException.Unless(record.Candidate is null || record.CandidateAddress is not null, "a candidate has an address");
        FuzzViolationException.Unless(ElectionDocuments.TryRead(ElectionDocuments.Write(record), out ElectionRecord again, out why),
            $"what was read can be written and read again: {why}");
        FuzzViolationException.Unless(
            again.Term == record.Term && again.LastServing == record.LastServing && again.Candidate == record.Candidate,
            "and says the same");
    }
}

/// <summary>What a candidate testifies.</summary>
internal sealed class CandidateEvidenceTarget : IFuzzTarget
{
    public string Name => "candidate-evidence";

    public IReadOnlyList<byte[]> Corpus { get; } =
    [
        Text($$$"""
            {"format":1,"evidence":{"node":"redis-0","uid":"u-0","incarnation":"i","address":"10.0.0.1:6379","data":"Present","why":"","data_bytes":187,
            "token":"3.7.1","highest_epoch":7,"position":{"replication_id":"{{{Id}}}","offset":12,"bound":"AtLeast","source":"Marker","lower":12,"upper":90},
            "earlier_offset":5,"last_serving":{"node":{"name":"redis-0","uid":"u-0"},"token":"3.7.1"},
            "history":[{"replication_id":"{{{Id}}}","start_offset":0,"term":3,"epoch":7,"generation":4,"master":{"name":"redis-0","uid":"u-0"}}],"last_timestamp":1795225660}}
            """),
    ];

    public IReadOnlyList<byte[]> Words => ElectionWords.All;

    public long AllocationBound(int length) => 128_000 + (100L * length);

    public void Run(byte[] input)
    {
        if (!ElectionDocuments.TryRead(input, out var evidence)) return;
        FuzzViolationException.Unless(evidence is { Live: false }, "a document does not say that its writer lives");
        FuzzViolationException.Unless(
            evidence!.Position is not { } position || (position.At.Offset >= 0 && position.Lower >= 0), "no offset below 0");
        FuzzViolationException.Unless(
            ElectionDocuments.TryRead(ElectionDocuments.Write(evidence), out var again), "what was read can be written and read again");
        FuzzViolationException.Unless(
            again!.Token == evidence.Token && again.Position == evidence.Position && again.Data == evidence.Data, "and says the same");
    }
}
