using Sidecars.Failover.Watch;

namespace Sidecars.Unit.Tests.Failover.Watch;

public sealed class InfoPeriodTests
{
    [Theory]
    [InlineData(0, 550)]
    [InlineData(1, 600)]
    [InlineData(2, 650)]
    [InlineData(3, 550)]
    public void Neighbours_ask_at_different_rates(int rank, int milliseconds) =>
        Assert.Equal(milliseconds, InfoPeriod.Of(InfoPeriod.Default, rank).TotalMilliseconds);
}
