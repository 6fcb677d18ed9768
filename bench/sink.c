/* An SMSC that takes everything, in C so that it is never what is measured.
 *
 *   sink [-d MS] [-r MS] [-m DIGIT]
 *     -d  answer a submit_sm after so long                (default 0: at once)
 *     -r  report DELIVRD so long after a submit_sm that asked for it (default: never)
 *     -m  remember when a number that ends so was submitted ("marks")
 *
 * Prints its port, then takes lines on its standard input: "open" (only then are connections taken), "stats" (one line
 * of JSON back; times are CLOCK_MONOTONIC in ns). Ends with its standard input. One thread, epoll.
 * Build: cc -O2 -o sink sink.c */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, PDU_ROOM = 1 << 16, WINDOW = 100 /* deliver_sm on their way on one link */ };
enum { DOOR = MOST, ORDERS };   /* what epoll names beside the links */
enum { BIND_RX = 1, BIND_TX = 2, SUBMIT = 4, DELIVER = 5, UNBIND = 6, BIND_TRX = 9, ENQUIRE = 0x15, ANSWER = 0x80000000u };

typedef struct { unsigned char *at; size_t used, sent, room; } buffer;
typedef struct { int fd, kind, waiting; unsigned life; buffer in, out; uint32_t sequence; } link_t;
typedef struct { uint64_t due, id; int link; unsigned life; uint32_t sequence; char from[24], to[24]; } event;
typedef struct { event *at; size_t first, count, room; } queue;

static link_t links[MOST];
static queue answers, receipts;
static int poller;
static uint64_t delay_ns, receipt_ns, submits, first_ns, last_ns, reported, acknowledged, binds;
static int reporting;
static char mark;
static struct { char number[24]; uint64_t at; } *marks;
static size_t marked;

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }
static uint32_t word(const unsigned char *at) { uint32_t value; memcpy(&value, at, 4); return ntohl(value); }
static void put_word(unsigned char *at, uint32_t value) { value = htonl(value); memcpy(at, &value, 4); }

static unsigned char *room(buffer *b, size_t more)
{
    if (b->used + more > b->room && !(b->at = realloc(b->at, b->room = 2 * (b->used + more)))) exit(1);
    return b->at + b->used;
}

static void push(queue *q, const event *e)
{
    if (q->count == q->room) {
        size_t wider = q->room ? 2 * q->room : 4096;
        event *all = malloc(wider * sizeof *all);
        if (!all) exit(1);
        for (size_t i = 0; i < q->count; i++) all[i] = q->at[(q->first + i) % q->room];
        free(q->at);
        *q = (queue){ all, 0, q->count, wider };
    }
    q->at[(q->first + q->count++) % q->room] = *e;
}

static event *due(queue *q, uint64_t now) { return q->count && q->at[q->first].due <= now ? &q->at[q->first] : NULL; }
static void pop(queue *q) { q->first = (q->first + 1) % q->room; q->count--; }

static void say(link_t *to, uint32_t command, uint32_t sequence, const void *body, size_t length)
{
    unsigned char *at = room(&to->out, 16 + length);
    put_word(at, (uint32_t)(16 + length));
    put_word(at + 4, command);
    put_word(at + 8, 0);
    put_word(at + 12, sequence);
    if (length) memcpy(at + 16, body, length);
    to->out.used += 16 + length;
}

static void drop(link_t *gone)
{
    close(gone->fd);
    free(gone->in.at);
    free(gone->out.at);
    *gone = (link_t){ .fd = -1, .life = gone->life + 1 };
}

static void flush(link_t *to)
{
    while (to->fd >= 0 && to->out.sent < to->out.used) {
        ssize_t now = write(to->fd, to->out.at + to->out.sent, to->out.used - to->out.sent);
        if (now <= 0) break;
        to->out.sent += (size_t)now;
    }
    if (to->out.sent == to->out.used) to->out.sent = to->out.used = 0;
    struct epoll_event wish = { .events = EPOLLIN | (to->out.used ? EPOLLOUT : 0), .data.fd = (int)(to - links) };
    epoll_ctl(poller, EPOLL_CTL_MOD, to->fd, &wish);
}

static void answer_submit(link_t *to, const event *e)
{
    char id[24];
    say(to, SUBMIT | ANSWER, e->sequence, id, (size_t)sprintf(id, "%lu", (unsigned long)e->id) + 1);
}

static void report(link_t *to, const event *e)
{
    unsigned char body[256], *at = body;
    char text[128];
    int length = sprintf(text, "id:%lu sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:", (unsigned long)e->id);
    *at++ = 0;                                                  /* service_type */
    *at++ = 1; *at++ = 1; at += sprintf((char *)at, "%s", e->to) + 1;   /* source: who received the message */
    *at++ = 1; *at++ = 1; at += sprintf((char *)at, "%s", e->from) + 1;
    *at++ = 4;                                                  /* esm_class: a receipt */
    memset(at, 0, 8); at += 8;                                  /* protocol_id to sm_default_msg_id */
    *at++ = (unsigned char)length;
    memcpy(at, text, (size_t)length);
    say(to, DELIVER, ++to->sequence, body, (size_t)(at - body) + (size_t)length);
    to->waiting++;
    reported++;
}

static const unsigned char *skip_text(const unsigned char *at, const unsigned char *end) { while (at < end && *at) at++; return at < end ? at + 1 : end; }

static void submit(link_t *from, const unsigned char *pdu, size_t length)
{
    const unsigned char *end = pdu + length, *source = skip_text(pdu + 16, end) + 2;
    const unsigned char *target = source < end ? skip_text(source, end) + 2 : end;
    const unsigned char *rest = target < end ? skip_text(target, end) : end;
    if (rest + 8 > end) return;
    const unsigned char *flag = skip_text(skip_text(rest + 3, end), end);   /* past schedule and validity: registered_delivery */
    event e = { .id = ++submits, .link = (int)(from - links), .life = from->life, .sequence = word(pdu + 12) };
    snprintf(e.from, sizeof e.from, "%s", (const char *)source);
    snprintf(e.to, sizeof e.to, "%s", (const char *)target);
    last_ns = now_ns();
    if (submits == 1) first_ns = last_ns;
    if (mark && *e.to && e.to[strlen(e.to) - 1] == mark) {
        if (marked % 1024 == 0 && !(marks = realloc(marks, (marked + 1024) * sizeof *marks))) exit(1);
        memcpy(marks[marked].number, e.to, sizeof e.to);
        marks[marked++].at = last_ns;
    }
    if (delay_ns) { e.due = last_ns + delay_ns; push(&answers, &e); }
    else answer_submit(from, &e);
    if (reporting && flag < end && (*flag & 1)) { e.due = last_ns + delay_ns + receipt_ns; push(&receipts, &e); }
}

static void take(link_t *from, const unsigned char *pdu, size_t length)
{
    uint32_t command = word(pdu + 4), sequence = word(pdu + 12);
    if (command == SUBMIT) submit(from, pdu, length);
    else if (command == BIND_RX || command == BIND_TX || command == BIND_TRX) { binds++; from->kind = (int)command; say(from, command | ANSWER, sequence, "sink", 5); }
    else if (command == ENQUIRE || command == UNBIND) say(from, command | ANSWER, sequence, NULL, 0);
    else if (command == (DELIVER | ANSWER)) { from->waiting--; acknowledged++; }
}

static int serve(link_t *from)
{
    for (;;) {
        unsigned char *at = room(&from->in, PDU_ROOM);
        ssize_t got = read(from->fd, at, PDU_ROOM);
        if (got < 0) break;
        if (got == 0) return 0;
        from->in.used += (size_t)got;
        if (got < PDU_ROOM) break;
    }
    size_t done = 0;
    while (from->in.used - done >= 16) {
        uint32_t length = word(from->in.at + done);
        if (length < 16 || length > PDU_ROOM) return 0;
        if (from->in.used - done < length) break;
        take(from, from->in.at + done, length);
        done += length;
    }
    memmove(from->in.at, from->in.at + done, from->in.used -= done);
    return 1;
}

static link_t *listener_of(const event *e)
{
    link_t *same = &links[e->link];
    if (same->fd >= 0 && same->life == e->life && same->kind == BIND_TRX) return same;
    for (int i = 0; i < MOST; i++) if (links[i].fd >= 0 && (links[i].kind == BIND_RX || links[i].kind == BIND_TRX)) return &links[i];
    return NULL;
}

static void work_due(void)
{
    uint64_t now = now_ns();
    for (event *e; (e = due(&answers, now)); pop(&answers)) {
        link_t *to = &links[e->link];
        if (to->fd >= 0 && to->life == e->life) answer_submit(to, e);
    }
    for (event *e; (e = due(&receipts, now)); pop(&receipts)) {
        link_t *to = listener_of(e);
        if (!to || to->waiting >= WINDOW) break;
        report(to, e);
    }
    for (int i = 0; i < MOST; i++) if (links[i].fd >= 0 && links[i].out.used) flush(&links[i]);
}

static int patience_ms(void)
{
    uint64_t next = UINT64_MAX, now = now_ns();
    if (answers.count) next = answers.at[answers.first].due;
    if (receipts.count && receipts.at[receipts.first].due > now && receipts.at[receipts.first].due < next) next = receipts.at[receipts.first].due;
    if (next == UINT64_MAX) return -1;
    return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static void welcome(int door)
{
    int one = 1, fd = accept(door, NULL, NULL);
    if (fd < 0) return;
    for (int i = 0; i < MOST; i++) if (links[i].fd < 0) {
        links[i].fd = fd;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.fd = i });
        return;
    }
    close(fd);
}

static void tell(void)
{
    printf("{\"binds\": %lu, \"submits\": %lu, \"first_ns\": %lu, \"last_ns\": %lu, \"receipts\": %lu, \"acknowledged\": %lu, \"marks\": {", (unsigned long)binds, (unsigned long)submits,
           (unsigned long)first_ns, (unsigned long)last_ns, (unsigned long)reported, (unsigned long)acknowledged);
    for (size_t i = 0; i < marked; i++) printf("%s\"%s\": %lu", i ? ", " : "", marks[i].number, (unsigned long)marks[i].at);
    printf("}}\n");
    fflush(stdout);
}

static int obey(int door)
{
    static char line[64];
    static size_t held;
    ssize_t got = read(0, line + held, sizeof line - held);
    if (got <= 0) return 0;
    held += (size_t)got;
    for (char *end; (end = memchr(line, '\n', held));) {
        *end = 0;
        if (!strcmp(line, "stats")) tell();
        else if (!strcmp(line, "open")) {
            if (listen(door, 16)) return 0;
            epoll_ctl(poller, EPOLL_CTL_ADD, door, &(struct epoll_event){ .events = EPOLLIN, .data.fd = DOOR });
        }
        held -= (size_t)(end + 1 - line);
        memmove(line, end + 1, held);
    }
    return 1;
}

int main(int count, char **words)
{
    for (int option; (option = getopt(count, words, "d:r:m:")) != -1;) {
        if (option == 'd') delay_ns = strtoul(optarg, NULL, 10) * 1000000u;
        else if (option == 'r') { reporting = 1; receipt_ns = strtoul(optarg, NULL, 10) * 1000000u; }
        else if (option == 'm') mark = *optarg;
        else return 2;
    }
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof place;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(door, (void *)&place, size) || getsockname(door, (void *)&place, &size)) return 1;
    for (int i = 0; i < MOST; i++) links[i].fd = -1;
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &(struct epoll_event){ .events = EPOLLIN, .data.fd = ORDERS });
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[MOST];
        int found = epoll_wait(poller, ready, MOST, patience_ms());
        for (int i = 0; i < found; i++) {
            int at = ready[i].data.fd;
            if (at == ORDERS) { if (!obey(door)) return 0; }
            else if (at == DOOR) welcome(door);
            else if (links[at].fd >= 0 && (ready[i].events & ~(uint32_t)EPOLLOUT) && !serve(&links[at])) drop(&links[at]);
        }
        work_due();
    }
}
