/* A vendor's PAD library as a process of its own, which a gate asks over a Unix socket (docs/protocols/pad-sensor.md).
 *
 * The library is loaded here and nowhere else: not in the gate's programs, so that its crash ends this process and its memory holds
 * nobody's face but those before the camera. One thread, one loop: ten times a second it measures, if somebody asked, and tells
 * everybody who did. Usage: pad-service SOCKET
 */
#include "vendor_pad.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NAME "Example PAD"
#define BOUND 0.5
#define EVERY_MS 100
#define CLIENTS_MAX 8
#define LINE_MAX_BYTES 512
#define CROSSING_DIGITS 32

struct client {
	int fd;                                /* -1: a free place */
	size_t used;                           /* bytes of a line that has not ended */
	char line[LINE_MAX_BYTES];
	char crossing[CROSSING_DIGITS + 1];    /* "": it has asked nothing yet */
	unsigned number;
};

static struct client clients[CLIENTS_MAX];
static volatile sig_atomic_t stopped;
static void stop(int number) { (void)number; stopped = 1; }

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static void hang_up(struct client *one)
{
	close(one->fd);
	memset(one, 0, sizeof *one);
	one->fd = -1;
}

/* A line goes whole or the client is hung up on: whoever does not read is not waited for. */
static void tell(struct client *one, const char *line)
{
	size_t length = strlen(line);
	if (send(one->fd, line, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
		hang_up(one);
}

static void welcome(int fd)
{
	char line[LINE_MAX_BYTES];
	struct client *one = NULL;

	for (size_t at = 0; at < CLIENTS_MAX; at++)
		if (clients[at].fd < 0)
			one = &clients[at];
	if (fd < 0 || one == NULL) {
		close(fd);
		return;
	}
	one->fd = fd;
	snprintf(line, sizeof line, "{\"say\":\"sensor\",\"name\":\"%s\",\"version\":\"%s\",\"bound\":%.2f}\n", NAME, vendor_version(), BOUND);
	tell(one, line);
}

/* The only line that a gate says is {"ask":"look","crossing":"32 hexadecimal digits"}: anything else ends the conversation. */
static int understand(struct client *one, const char *line)
{
	static const char key[] = "\"crossing\":\"";
	const char *found = strstr(line, key);

	if (strstr(line, "\"ask\":\"look\"") == NULL || found == NULL)
		return -1;
	found += sizeof key - 1;
	if (strspn(found, "0123456789abcdef") != CROSSING_DIGITS || found[CROSSING_DIGITS] != '"')
		return -1;
	memcpy(one->crossing, found, CROSSING_DIGITS);
	one->number = 0;
	return 0;
}

static void hear(struct client *one)
{
	ssize_t count = recv(one->fd, one->line + one->used, sizeof one->line - one->used - 1, MSG_DONTWAIT);
	char *end;

	if (count <= 0) {
		if (count == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(one);
		return;
	}
	one->used += (size_t)count;
	one->line[one->used] = '\0';
	while ((end = strchr(one->line, '\n')) != NULL) {
		*end = '\0';
		if (understand(one, one->line) < 0) {
			hang_up(one);
			return;
		}
		one->used -= (size_t)(end + 1 - one->line);
		memmove(one->line, end + 1, one->used + 1);
	}
	if (one->used >= sizeof one->line - 1)
		hang_up(one);
}

static int has_asked(const struct client *one) { return one->fd >= 0 && one->crossing[0] != '\0'; }

/* Nobody is looked at unless a gate asked. */
static void measure(void)
{
	enum vendor_face face;
	double score;
	char line[LINE_MAX_BYTES];
	long began = now_ms();
	size_t first = 0;

	while (first < CLIENTS_MAX && !has_asked(&clients[first]))
		first++;
	if (first == CLIENTS_MAX)
		return;
	int failed = vendor_measure(&face, &score);
	const char *result = failed || face == VENDOR_NO_FACE ? "undetermined" : score >= BOUND ? "live" : "attack";

	for (size_t at = first; at < CLIENTS_MAX; at++) {
		struct client *one = &clients[at];
		if (!has_asked(one))
			continue;
		int used = snprintf(line, sizeof line, "{\"say\":\"verdict\",\"crossing\":\"%s\",\"number\":%u,\"result\":\"%s\",\"age_ms\":%ld",
			one->crossing, ++one->number, result, now_ms() - began);
		if (strcmp(result, "undetermined") != 0)
			used += snprintf(line + used, sizeof line - (size_t)used, ",\"score\":%.3f", score);
		snprintf(line + used, sizeof line - (size_t)used, "}\n");
		tell(one, line);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0660) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return -1;
	return fd;
}

int main(int count, char **words)
{
	struct pollfd watched[CLIENTS_MAX + 1];
	long next_ms = now_ms();
	int listener;

	if (count != 2 || vendor_open() != 0 || (listener = listen_at(words[1])) < 0) {
		fprintf(stderr, "pad-service: %s\n", count != 2 ? "usage: pad-service SOCKET" : "no sensor, or no socket");
		return 1;
	}
	signal(SIGTERM, stop);
	for (size_t at = 0; at < CLIENTS_MAX; at++)
		clients[at].fd = -1;
	while (!stopped) {
		long wait_ms = next_ms - now_ms();

		watched[0] = (struct pollfd){.fd = listener, .events = POLLIN};
		for (size_t at = 0; at < CLIENTS_MAX; at++)
			watched[at + 1] = (struct pollfd){.fd = clients[at].fd, .events = POLLIN};
		if (poll(watched, CLIENTS_MAX + 1, wait_ms > 0 ? (int)wait_ms : 0) > 0) {
			for (size_t at = 0; at < CLIENTS_MAX; at++)
				if (clients[at].fd >= 0 && watched[at + 1].revents != 0)
					hear(&clients[at]);
			if (watched[0].revents & POLLIN)
				welcome(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		}
		if (now_ms() >= next_ms) {
			measure();
			next_ms = now_ms() + EVERY_MS;
		}
	}
	vendor_close();
	return 0;
}
