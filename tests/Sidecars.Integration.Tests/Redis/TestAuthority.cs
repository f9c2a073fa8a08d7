using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecars.TestKit.Processes;

namespace Sidecars.Integration.Tests.Redis;

/// <summary>A certificate authority of the test's own, with certificates for 127.0.0.1 and <c>redis.test</c>.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly TempFolder _folder;
    private readonly string _name;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(TempFolder folder, string name)
    {
        _folder = folder;
        _name = name;
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        CaFile = folder.Write($"{name}.crt", _certificate.ExportCertificatePem());
    }

    public string CaFile { get; }

    public (string CertificateFile, string KeyFile) Issue(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("redis.test");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            _certificate, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddMinutes(30), RandomNumberGenerator.GetBytes(8));
        return (_folder.Write($"{_name}-{subject}.crt", certificate.ExportCertificatePem()),
            _folder.Write($"{_name}-{subject}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
