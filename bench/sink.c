/* An SMSC that takes everything and reports nothing, in C so that it is never what is measured: binds, submit_sm,
 * enquire_link and unbind are answered, ids are a counter. One thread, poll. Prints its port, ends with its standard input.
 * Build: cc -O2 -o sink sink.c */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 64, ROOM = 1 << 20 };

static struct { int fd; size_t held; unsigned char in[ROOM]; } links[MOST];
static unsigned char out[2 * ROOM];
static unsigned long ids;

static uint32_t word(const unsigned char *at) { uint32_t value; memcpy(&value, at, 4); return ntohl(value); }

static size_t answer(const unsigned char *pdu, unsigned char *to)
{
    uint32_t command = word(pdu + 4);
    size_t body = 0;
    if (command & 0x80000000u) return 0;
    if (command == 4) body = (size_t)sprintf((char *)to + 16, "%lu", ++ids) + 1;
    else if (command == 1 || command == 2 || command == 9) body = (size_t)sprintf((char *)to + 16, "sink") + 1;
    else if (command != 0x15 && command != 6) return 0;
    uint32_t head[4] = { htonl((uint32_t)(16 + body)), htonl(command | 0x80000000u), 0, 0 };
    memcpy(to, head, 12);
    memcpy(to + 12, pdu + 12, 4);
    return 16 + body;
}

static int serve(int at)
{
    ssize_t got = read(links[at].fd, links[at].in + links[at].held, ROOM - links[at].held);
    if (got <= 0) return 0;
    links[at].held += (size_t)got;
    size_t used = 0, written = 0;
    while (links[at].held - used >= 16) {
        uint32_t length = word(links[at].in + used);
        if (length < 16 || length > ROOM / 2) return 0;
        if (links[at].held - used < length) break;
        written += answer(links[at].in + used, out + written);
        used += length;
    }
    memmove(links[at].in, links[at].in + used, links[at].held -= used);
    for (size_t sent = 0; sent < written;) {
        ssize_t now = write(links[at].fd, out + sent, written - sent);
        if (now <= 0) return 0;
        sent += (size_t)now;
    }
    return 1;
}

int main(void)
{
    int one = 1, door = socket(AF_INET, SOCK_STREAM, 0), count = 0;
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof place;
    if (bind(door, (void *)&place, size) || listen(door, 16) || getsockname(door, (void *)&place, &size)) return 1;
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    for (;;) {
        struct pollfd polls[MOST + 2] = { { .fd = 0, .events = POLLIN }, { .fd = door, .events = POLLIN } };
        for (int at = 0; at < count; at++) polls[at + 2] = (struct pollfd){ .fd = links[at].fd, .events = POLLIN };
        if (poll(polls, (nfds_t)count + 2, -1) < 0) return 1;
        if (polls[0].revents) return 0;
        for (int at = count - 1; at >= 0; at--)
            if (polls[at + 2].revents && !serve(at)) { close(links[at].fd); links[at] = links[--count]; }
        if (polls[1].revents && count < MOST) {
            links[count].fd = accept(door, NULL, NULL);
            links[count].held = 0;
            setsockopt(links[count].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            count++;
        }
    }
}
