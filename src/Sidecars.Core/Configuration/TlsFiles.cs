namespace Sidecars.Core.Configuration;

/// <summary>Files of a TLS server, PEM; the certificate also serves as client certificate for replication.</summary>
/// <param name="CaFile">Who signs the certificates of the group.</param>
/// <param name="CertificateFile">This server's certificate.</param>
/// <param name="KeyFile">Its key, without passphrase.</param>
public sealed record TlsFiles(string CaFile, string CertificateFile, string KeyFile);
