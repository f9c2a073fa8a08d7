using Sidecars.Core.Election;
using static Sidecars.Core.Tests.Election.Facts;

namespace Sidecars.Core.Tests.Election;

public sealed class SnapshotDocumentTests
{
    [Fact]
    public void A_logged_snapshot_decides_the_same_when_it_is_read_back()
    {
        BootstrapSnapshot[] all =
        [
            StartingA([Says(1, B, 4, replicas: C), Says(2, B, 4), Dead(3)], [Master(B), Replica(C, B, true)]),
            StartingA([AsksPassword(1), Mute(2), Dead(3)], [Down(B), Foreign(C)], ElectionOf(3, Evidence(A), Evidence(B), Evidence(C))),
            StartingA([Dead(1), Dead(2), Dead(3)], [Down(B), Down(C)], Candidate(3, Evidence(A), Evidence(A), Evidence(B))),
            StartingA([Says(1, A, replicas: B), Says(2, A), Says(3, A)], [Replica(B, A), Hangs(C)], new ElectionObservation.Unavailable("timed out")),
        ];
        foreach (var snapshot in all)
        {
            var json = SnapshotDocument.Write(snapshot);
            var read = SnapshotDocument.TryReadBootstrap(json, out var why);
            Assert.True(read is not null, why);
            Assert.Equal(json, SnapshotDocument.Write(read));
            Assert.Equal(MasterSelectionPolicy.Decide(snapshot).ToString(), MasterSelectionPolicy.Decide(read).ToString());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"me":{"node":"a","uid":"b","address":"not an endpoint:0","data":"Present"}}""")]
    public void Anything_else_is_told_apart(string json)
    {
        Assert.Null(SnapshotDocument.TryReadBootstrap(json, out var why));
        Assert.NotEmpty(why);
    }
}
