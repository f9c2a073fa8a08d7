/*
 * The yardstick of the probe bench: the least that any program needs for the exchange of a readiness probe.
 *
 *   probe_peer PORT [SENTINEL_PORT MASTER]...   PING, ROLE, INFO, CONFIG GET in one packet; then each Sentinel's id, state, master
 *   probe_peer                                  nothing: the cost of a process
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static char buffer[65536];

/* Length of the whole reply at text, 0 while it is not there. */
static long reply(const char *text, const char *end)
{
    const char *line = memchr(text, '\n', end - text);
    if (!line) return 0;
    long length = line + 1 - text, count = atol(text + 1);
    if (text[0] == '$' && count >= 0) return text + length + count + 2 <= end ? length + count + 2 : 0;
    if (text[0] == '*') {
        for (long i = 0; i < count; i++) {
            long item = reply(text + length, end);
            if (!item) return 0;
            length += item;
        }
    }
    return length;
}

static int exchange(int port, const char *questions, int replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {0, 900000};
    int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), have = 0;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(s, (struct sockaddr *)&address, sizeof address)) return -1;
    if (send(s, questions, strlen(questions), 0) < 0) return -1;
    for (;;) {
        ssize_t got = recv(s, buffer + have, sizeof buffer - have, 0);
        if (got <= 0) return -1;
        have += got;
        char *at = buffer;
        int seen = 0;
        for (long length; seen < replies && (length = reply(at, buffer + have)); seen++) at += length;
        if (seen == replies) break;
    }
    close(s);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) return 0;
    if (exchange(atoi(argv[1]),
                 "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nROLE\r\n*4\r\n$4\r\nINFO\r\n$6\r\nserver\r\n$11\r\nreplication\r\n$11\r\npersistence\r\n"
                 "*5\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$21\r\nmin-replicas-to-write\r\n$19\r\nreplica-announce-ip\r\n$21\r\nreplica-announce-port\r\n",
                 4)) return 1;
    for (int i = 2; i + 1 < argc; i += 2) {
        char question[256];
        snprintf(question, sizeof question,
                 "*2\r\n$8\r\nSENTINEL\r\n$4\r\nMYID\r\n*2\r\n$4\r\nINFO\r\n$8\r\nsentinel\r\n"
                 "*3\r\n$8\r\nSENTINEL\r\n$6\r\nMASTER\r\n$%zu\r\n%s\r\n", strlen(argv[i + 1]), argv[i + 1]);
        if (exchange(atoi(argv[i]), question, 3)) return 1;
    }
    puts("ready");
    return 0;
}
