using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecars.Core.Lineage;
using Sidecars.Core.Primitives;

namespace Sidecars.Core.Election;

/// <summary>The files of <see cref="FileElectionBackend"/>; format 1. Unknown fields are tolerated, so that neighbouring versions get along.</summary>
internal static class ElectionDocuments
{
    /// <summary>No file here is larger than a few hundred bytes; more is not ours.</summary>
    public const int MaxBytes = 64 * 1024;

    public static byte[] Write(ElectionRecord record) => JsonSerializer.SerializeToUtf8Bytes(
        new RecordDocument
        {
            Format = 1,
            Term = record.Term,
            Candidate = record.Candidate,
            CandidateUid = record.CandidateUid,
            CandidateAddress = record.CandidateAddress?.ToString(),
            EmptyStartAllowedInTerm = record.EmptyStartAllowedInTerm,
        },
        ElectionJson.Default.RecordDocument);

    public static byte[] Write(CandidateEvidence evidence) => JsonSerializer.SerializeToUtf8Bytes(
        new EvidenceDocument
        {
            Format = 1,
            Node = evidence.Node,
            Uid = evidence.Uid,
            Address = evidence.Address.ToString(),
            Data = evidence.Data.ToString(),
            Why = evidence.Why,
            DataBytes = evidence.DataBytes,
        },
        ElectionJson.Default.EvidenceDocument);

    /// <summary>Reads a record; false with a reason for anything that is not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out ElectionRecord record, out string why)
    {
        record = new ElectionRecord();
        why = "";
        try
        {
            var document = JsonSerializer.Deserialize(json, ElectionJson.Default.RecordDocument);
            if (document is null || document.Format < 1 || document.Term < 0)
            {
                why = "it is no election record";
                return false;
            }

            RedisEndpoint? address = null;
            if (document.CandidateAddress is not null && !RedisEndpoint.TryParse(document.CandidateAddress, 6379, out address))
            {
                why = "its candidate address can't be read";
                return false;
            }

            record = new ElectionRecord
            {
                Term = document.Term,
                Candidate = document.Candidate,
                CandidateUid = document.CandidateUid,
                CandidateAddress = address,
                EmptyStartAllowedInTerm = document.EmptyStartAllowedInTerm,
            };
            return true;
        }
        catch (JsonException e)
        {
            why = $"it is no JSON of ours: {e.Message}";
            return false;
        }
    }

    /// <summary>Reads evidence; false for anything that is not evidence. <see cref="CandidateEvidence.Live"/> stays false.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out CandidateEvidence? evidence)
    {
        evidence = null;
        try
        {
            var document = JsonSerializer.Deserialize(json, ElectionJson.Default.EvidenceDocument);
            if (document is not { Node.Length: > 0, Uid.Length: > 0, Format: >= 1, DataBytes: >= 0 }
                || !RedisEndpoint.TryParse(document.Address, 6379, out var address)
                || !Enum.TryParse<DataState>(document.Data, out var data) || !Enum.IsDefined(data))
            {
                return false;
            }

            evidence = new CandidateEvidence
            {
                Node = document.Node,
                Uid = document.Uid,
                Address = address,
                Data = data,
                Why = document.Why ?? "",
                DataBytes = document.DataBytes,
            };
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    internal sealed record RecordDocument
    {
        public int Format { get; init; }

        public long Term { get; init; }

        public string? Candidate { get; init; }

        public string? CandidateUid { get; init; }

        public string? CandidateAddress { get; init; }

        public long? EmptyStartAllowedInTerm { get; init; }
    }

    internal sealed record EvidenceDocument
    {
        public int Format { get; init; }

        public string? Node { get; init; }

        public string? Uid { get; init; }

        public string? Address { get; init; }

        public string? Data { get; init; }

        public string? Why { get; init; }

        public long DataBytes { get; init; }
    }
}

/// <summary>Source-generated JSON of the election files and of the leader-elector's answer.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ElectionDocuments.RecordDocument))]
[JsonSerializable(typeof(ElectionDocuments.EvidenceDocument))]
[JsonSerializable(typeof(LeaderElectorBackend.LeaderDocument))]
internal sealed partial class ElectionJson : JsonSerializerContext;
