using Sidecars.TestKit.Processes;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Sidecars.Contract.Tests;

/// <summary>Marks a class whose tests need a real server: without the environment variable they are skipped, visibly.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RequiresAttribute(string variable) : Attribute
{
    public string Variable { get; } = variable;
}

/// <summary>Marks a class whose tests need the S3 server of moto: where Python does not have it they are skipped, visibly.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RequiresMotoAttribute : Attribute;

/// <summary>
/// A fact of a contract, inherited by the class of each implementation. xunit 2 reads <see cref="FactAttribute.Skip"/>
/// from the method, which all of them share; this one asks the concrete class.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("Sidecars.Contract.Tests.ContractFactDiscoverer", "Sidecars.Contract.Tests")]
public sealed class ContractFactAttribute : FactAttribute;

/// <summary>Finds the cases of <see cref="ContractFactAttribute"/>.</summary>
public sealed class ContractFactDiscoverer(IMessageSink sink) : FactDiscoverer(sink)
{
    protected override IXunitTestCase CreateTestCase(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        new ContractTestCase(
            DiagnosticMessageSink, discoveryOptions.MethodDisplayOrDefault(), discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod);
}

/// <summary>A case that knows why its class can't run here.</summary>
public sealed class ContractTestCase : XunitTestCase
{
    [Obsolete("For deserialization by xunit.")]
    public ContractTestCase()
    {
    }

    public ContractTestCase(IMessageSink sink, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(sink, display, options, method)
    {
    }

    protected override string? GetSkipReason(IAttributeInfo factAttribute)
    {
        if (TestMethod.TestClass.Class.GetCustomAttributes(typeof(RequiresMotoAttribute).AssemblyQualifiedName).Any()
            && MotoServer.Missing is { } missing)
            return missing;
        var requires = TestMethod.TestClass.Class.GetCustomAttributes(typeof(RequiresAttribute).AssemblyQualifiedName).FirstOrDefault();
        var variable = requires?.GetNamedArgument<string>(nameof(RequiresAttribute.Variable));
        return variable is not null && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable))
            ? $"{variable} is not set: no real server to hold the contract against"
            : base.GetSkipReason(factAttribute);
    }
}
