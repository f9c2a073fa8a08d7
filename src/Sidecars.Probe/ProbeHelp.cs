namespace Sidecars.Probe;

/// <summary>Holds what <c>--help</c> prints, in 80 columns. A test compares it with the variables that are read.</summary>
internal static class ProbeHelp
{
    /// <param name="name">What the program calls itself.</param>
    public static string Of(string name) => $"""
        {name} looks at one Redis or Sentinel and says in one line what it saw
        and why it decides so.

        Usage:
          {name} startup|liveness|readiness [--role redis|sentinel]
          {name} --help | --version
          live_check.sh       (a link) liveness of Redis
          sentinel_check.sh   (a link) liveness of Sentinel

          startup     it has come up: any reply, loading too; redis-bootstrap that
                      waits; a Sentinel that knows its master
          liveness    it lives: any reply at all; redis-bootstrap that waits
          readiness   clients may come: a master that is neither fenced nor
                      contradicted by a majority of Sentinels; a replica whose link
                      is up, without a full copy under way; a Sentinel with a quorum

        Without --role: SENTINEL, then the configuration in CONFIG_DIR, then the
        server's own reply decide.

        Exit codes: 0 yes, 1 no, 2 wrong setting (all are listed).

        Settings (environment):

        Probe
          PROBE_TIMEOUT (duration, 10ms..1m), default 900ms
              For everything together. Below kubelet's timeoutSeconds, so that the
              probe always explains itself.
          PROBE_MAX_LAG (duration, 1s..1d), default 15s
              A replica that has not heard its master for longer is not ready. Above
              repl-ping-replica-period (Redis: 10s).

        Addresses
          REDIS_HOST (address), default 127.0.0.1
              Where the server listens. An address touches no resolver.
          REDIS_PORT (1..65535), default 6379
              Port of Redis.
          SENTINEL_PORT (1..65535), default 26379
              Port of Sentinel.
          REDIS_SOCKET (path)
              Redis' Unix socket, instead of host and port.
          REDIS_SENTINEL_SERVICE_HOST (host[:port],…)
              The Sentinels that are asked whether they name another master. Without
              it nobody is.
          REDIS_SENTINEL_SERVICE_PORT (1..65535), default SENTINEL_PORT
              Their port.
          ANNOUNCE_HOST, POD_IP (address)
              What Sentinels know this server by, besides its replica-announce-ip.

        Group
          SENTINEL (true or false), default false
              It is a Sentinel, as in the seed image.
          CLUSTER_ID (namespace/name), default <POD_NAMESPACE or "default">/redis
              The group: names the user sidecar-<cluster id>, and the master.
          POD_NAMESPACE (text)
              Fallback for the first half of CLUSTER_ID.
          MASTER_NAME (text), default CLUSTER_ID with its slash as a dot
              Name under which Sentinels monitor the master.
          SENTINEL_COUNT (1..31), default 3
              How many there should be; a majority of this number contradicts.

        Files
          CONFIG_DIR (path), default /run/sidecars
              Where redis-bootstrap keeps its heartbeat bootstrap.json while it waits.

        Passwords
          SIDECAR_PASSWORD, SIDECAR_PASSWORD_PREVIOUS (secret)
              Of sidecar-<cluster id>. Default: REDIS_PASSWORD. All that are set are
              tried in order.
          REDIS_PASSWORD, REDIS_PASSWORD_PREVIOUS (secret)
              Of the default user of Redis.
          SENTINEL_PASSWORD, SENTINEL_PASSWORD_PREVIOUS (secret)
              Of the default user of Sentinel. Default: REDIS_PASSWORD.
          each secret also as NAME_FILE (path)
              File that holds it; one line feed at its end is ignored. One that can't
              be read is a wrong setting at startup, and later a remark: the server is
              asked without that password.

        TLS
          TLS_CA_FILE (path)
              PEM of the only trusted CA; redis-probe-tls only, which is plain without
              it.
          TLS_CERT_FILE, TLS_KEY_FILE (path)
              PEM certificate and key of the client.
          TLS_SERVER_NAME (name)
              Name to check certificates against. Default: the address connected to.
        """;
}
