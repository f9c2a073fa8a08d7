using Sidecars.Bootstrap.Backends;
using Sidecars.Core.Election;
using Sidecars.Core.Lineage;
using Sidecars.TestKit.Processes;
using static Sidecars.Unit.Tests.Bootstrap.Election.Facts;

namespace Sidecars.Unit.Tests.Bootstrap.Backends;

/// <summary>
/// The documents and the compare-and-swap. What the kernel's locks do between processes is in the integration tests: within
/// one process they exclude nobody.
/// </summary>
public sealed class FileElectionBackendTests : IDisposable
{
    private readonly TempFolder _folder = new("election");
    private readonly FileElectionBackend _backend;

    public FileElectionBackendTests() => _backend = new FileElectionBackend(_folder.File("e"));

    private string RecordFile => _folder.File("e", "record.json");

    public void Dispose()
    {
        _backend.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_directory_without_a_record_is_a_group_that_never_had_a_term()
    {
        var view = await ObserveAsync();
        Assert.Equal((0L, (string?)null, "", false), (view.Record.Term, view.Record.Candidate, view.Version, view.CandidateAlive));
        Assert.Equal([Evidence(A)], view.Evidence.AsEnumerable());
    }

    [Fact]
    public async Task A_claim_raises_the_term_and_is_read_back_whole()
    {
        var won = Assert.IsType<ClaimOutcome.Won>(await _backend.ClaimAsync(await ObserveAsync(), Evidence(A), null, default));
        Assert.Equal(1, won.Term);
        var view = await ObserveAsync();
        Assert.Equal(
            (1L, "redis-1", "uid-1", A), (view.Record.Term, view.Record.Candidate, view.Record.CandidateUid, view.Record.CandidateAddress));
        Assert.True(view.CandidateAlive);
        Assert.NotNull(_backend.InheritedDescriptor);
    }

    [Fact]
    public async Task A_claim_on_an_older_state_is_lost_and_holds_no_lock()
    {
        var old = await ObserveAsync();
        Assert.IsType<ClaimOutcome.Won>(await _backend.ClaimAsync(old, Evidence(A), null, default));
        Assert.IsType<ClaimOutcome.Lost>(await _backend.ClaimAsync(old, Evidence(A), null, default));
        Assert.Null(_backend.InheritedDescriptor);
        var view = await ObserveAsync();
        Assert.Equal((1L, false), (view.Record.Term, view.CandidateAlive));
    }

    [Fact]
    public async Task An_empty_start_is_allowed_for_one_term_only()
    {
        _ = await _backend.ClaimAsync(await ObserveAsync(), Evidence(A), null, default);
        Assert.Null(await _backend.AllowEmptyStartAsync(default));
        var allowed = await ObserveAsync();
        Assert.Equal(1, allowed.Record.EmptyStartAllowedInTerm);
        Assert.IsType<ClaimOutcome.Won>(await _backend.ClaimAsync(allowed, Evidence(A), null, default));
        var after = await ObserveAsync();
        Assert.Equal((2L, (long?)null), (after.Record.Term, after.Record.EmptyStartAllowedInTerm));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"format\": 1, \"ter")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format\": 0, \"record\": {\"term\": 3}}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": -3}}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": \"3\"}}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": 3, \"candidate_address\": \"no:such:address:\"}}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": 3, \"candidate\": \"redis-1\"}}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": 3, \"history\": null}}")]
    [InlineData("{\"format\": 1, \"record\": null}")]
    [InlineData("{\"format\": 1, \"record\": {\"term\": 99999999999999999999}}")]
    public async Task A_record_that_cannot_be_read_is_never_taken_for_none(string content)
    {
        var before = await ObserveAsync();
        await File.WriteAllTextAsync(RecordFile, content);
        var unavailable = Assert.IsType<ElectionObservation.Unavailable>(await _backend.ObserveAsync(Evidence(A), default));
        Assert.StartsWith("record.json: ", unavailable.Why, StringComparison.Ordinal);
        Assert.IsType<ClaimOutcome.Lost>(await _backend.ClaimAsync(before, Evidence(A), null, default));
        Assert.NotNull(await _backend.AllowEmptyStartAsync(default));
        Assert.Equal(content, await File.ReadAllTextAsync(RecordFile));
    }

    [Fact]
    public async Task A_huge_record_is_not_read()
    {
        await File.WriteAllBytesAsync(RecordFile, new byte[(64 * 1024) + 1]);
        var unavailable = Assert.IsType<ElectionObservation.Unavailable>(await _backend.ObserveAsync(Evidence(A), default));
        Assert.Contains("65536", unavailable.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_of_a_newer_version_are_tolerated()
    {
        await File.WriteAllTextAsync(RecordFile,
            """{"format": 2, "record": {"term": 7, "candidate": "redis-2", "candidate_uid": "u", "candidate_incarnation": "i", "candidate_address": "10.0.0.2:6379", "new": {"a": [1]}}}""");
        var view = await ObserveAsync();
        Assert.Equal((7L, "redis-2", B), (view.Record.Term, view.Record.Candidate, view.Record.CandidateAddress));
    }

    [Fact]
    public async Task Evidence_of_others_is_read_and_counts_as_dead_without_its_lock()
    {
        await WriteEvidenceAsync("redis-2",
            """{"format":1,"evidence":{"incarnation":"i","node":"redis-2","uid":"u","address":"10.0.0.2:6379","data":"Present","data_bytes":5,"later":true}}""");
        var view = await ObserveAsync();
        var other = Assert.Single(view.Evidence, e => e.Node == "redis-2");
        Assert.Equal((B, DataState.Present, 5L, false), (other.Address, other.Data, other.DataBytes, other.Live));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"format":1,"evidence":{"incarnation":"i","uid":"u","address":"10.0.0.2:6379","data":"Present"}}""")]
    [InlineData("""{"format":1,"evidence":{"incarnation":"i","node":"redis-2","uid":"u","address":"","data":"Present"}}""")]
    [InlineData("""{"format":1,"evidence":{"incarnation":"i","node":"redis-2","uid":"u","address":"10.0.0.2:6379","data":"Plenty"}}""")]
    [InlineData("""{"format":1,"evidence":{"incarnation":"i","node":"redis-2","uid":"u","address":"10.0.0.2:6379","data":"7"}}""")]
    [InlineData(
        """{"format":1,"evidence":{"incarnation":"i","node":"redis-2","uid":"u","address":"10.0.0.2:6379","data":"Present","data_bytes":-1}}""")]
    public async Task What_is_no_evidence_is_nobodys(string content)
    {
        await WriteEvidenceAsync("redis-2", content);
        Assert.Single((await ObserveAsync()).Evidence);
    }

    [Fact]
    public async Task My_own_evidence_is_published_for_the_others()
    {
        _ = await ObserveAsync();
        var content = await File.ReadAllTextAsync(_folder.File("e", "evidence", "redis-1.json"));
        await WriteEvidenceAsync("redis-9", content.Replace("redis-1", "redis-9", StringComparison.Ordinal));
        var copy = Assert.Single((await ObserveAsync()).Evidence, e => e.Node == "redis-9");
        Assert.Equal(Evidence(A) with { Node = "redis-9", Live = false }, copy);
    }

    private async Task<ElectionView> ObserveAsync() =>
        Assert.IsType<ElectionObservation.Known>(await _backend.ObserveAsync(Evidence(A), default)).View;

    private Task WriteEvidenceAsync(string node, string content) =>
        File.WriteAllTextAsync(_folder.File("e", "evidence", node + ".json"), content);
}
