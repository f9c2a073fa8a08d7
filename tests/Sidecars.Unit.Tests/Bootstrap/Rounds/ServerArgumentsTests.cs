using Sidecars.Bootstrap.Options;

namespace Sidecars.Unit.Tests.Bootstrap.Rounds;

public sealed class ServerArgumentsTests
{
    // Redict's redis-sentinel is a link whose name its server does not know.
    [Theory]
    [InlineData("Sentinel", "--sentinel")]
    [InlineData("Redis", "")]
    public void A_Sentinel_is_started_as_one_whatever_the_name_of_its_file(string mode, string arguments)
    {
        using var rig = new RoundRig(Enum.Parse<ServerMode>(mode));
        Assert.Equal(arguments, string.Join(' ', rig.Options.ServerArguments));
    }
}
