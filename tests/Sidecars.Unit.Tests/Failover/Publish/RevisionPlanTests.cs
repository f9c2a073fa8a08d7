using FsCheck;
using FsCheck.Fluent;
using Sidecars.Core.Primitives;
using Sidecars.Failover.Publish;

namespace Sidecars.Unit.Tests.Failover.Publish;

public sealed class RevisionPlanTests
{
    private const string Ours = "10.0.0.2";
    private const string Theirs = "10.0.0.1";
    private static readonly RedisEndpoint Me = new("10.96.0.2", 6379);
    private static readonly MasterAddresses Addresses = new(Ours, new RedisEndpoint(Ours, 6379));
    private static readonly RoleProof Proof = new("b", 1);
    private static readonly DesiredMaster.Own Own = new(Me, new FencingToken(4, 7, 0), Addresses, Proof, 0);
    private static readonly DesiredMaster.Another Another = new(Me, new FencingToken(4, 7, 0), 0);

    [Fact]
    public void A_master_begins_its_epoch_and_goes_on_with_its_own_revision()
    {
        Assert.Equal(Own.Token, Token(Own, null, null));
        Assert.Equal(Own.Token, Token(Own, null, There(4, 6, 9, Theirs)));
        Assert.Equal(new FencingToken(4, 7, 3), Token(Own, null, There(4, 7, 3, Ours)));
    }

    [Fact]
    public void Only_a_proven_one_replaces_another_address_of_its_epoch()
    {
        Assert.Null(Token(Own, null, There(4, 7, 3, Theirs)));
        Assert.Null(Token(Own, new RoleProof("another", 1), There(4, 7, 3, Theirs)));
        Assert.Equal(new FencingToken(4, 7, 4), Token(Own, Proof, There(4, 7, 3, Theirs)));
        Assert.Equal(new FencingToken(4, 7, 1), Token(Own, Proof, There(4, 7, 0, Theirs)));
        // An address that was removed: the first revision can be nobody else's, a later one may be.
        Assert.Equal(Own.Token, Token(Own, null, There(4, 7, 0, "")));
        Assert.Null(Token(Own, null, There(4, 7, 3, "")));
    }

    [Fact]
    public void The_greatest_revision_is_left_to_a_person() =>
        Assert.Equal(Own.Token, Token(Own, Proof, There(4, 7, long.MaxValue, Theirs)));

    [Fact]
    public void Another_nodes_master_never_raises_it() => Assert.Equal(Another.Token, Token(Another, Proof, There(4, 7, 3, Theirs)));

    [Fact]
    public void Without_a_proof_no_token_is_above_what_stands_there_in_the_same_epoch() => Prop.ForAll(
        (from kind in Gen.Elements<DesiredMaster>(Own, Another)
         from term in Gen.Choose(3, 5)
         from epoch in Gen.Choose(6, 8)
         from rev in Gen.Choose(0, 3)
         from address in Gen.Elements(Ours, Theirs, "")
         select (kind, There(term, epoch, rev, address))).ToArbitrary(),
        x => Token(x.kind, null, x.Item2) is not { } token || (token.Term, token.Epoch) != (x.Item2.Token.Term, x.Item2.Token.Epoch)
            || token <= x.Item2.Token)
        .QuickCheckThrowOnFailure();

    private static PublishedMaster There(long term, long epoch, long rev, string address) =>
        new(new FencingToken(term, epoch, rev), address);

    private static FencingToken? Token(DesiredMaster desired, RoleProof? proof, PublishedMaster? there) =>
        RevisionPlan.Decide(desired, proof, Ours, there);
}
