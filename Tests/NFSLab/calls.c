/* Counts NFS calls per operation, from this host's mountstats (all of the mount: run nothing else on the
** host meanwhile).
**   calls hot ENGINE DIR OPERATION COUNT [items bytes checkpoint-frames]   the lock stays with us
**   calls turns ENGINE DIR OPERATION COUNT SLOT SLOTS START MS [items bytes checkpoint-frames] the lock is
**   taken for each operation; hosts take turns of MS milliseconds from the epoch second START on
** OPERATION: append, read (length of a list), idle (acquire and release only). */
#define _GNU_SOURCE
#include "lists.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OPERATIONS_MAX = 80, WARM_UP = 20 }; /* the page cache of a host that has touched each list once */
struct counts {
  int number;
  struct {
    char name[32];
    long long calls;
  } of[OPERATIONS_MAX];
};

static void read_counts(struct counts *c) {
  FILE *f = fopen("/proc/self/mountstats", "r");
  char line[1024], name[32];
  long long calls;
  int on = 0;
  c->number = 0;
  while (f && fgets(line, sizeof line, f)) {
    if (!strncmp(line, "device", 6)) on = 0;
    if (strstr(line, "per-op statistics")) on = 1;
    else if (on && c->number < OPERATIONS_MAX && sscanf(line, " %31[A-Z_0-9]: %lld", name, &calls) == 2) {
      snprintf(c->of[c->number].name, sizeof name, "%s", name);
      c->of[c->number++].calls = calls;
    }
  }
  if (f) fclose(f);
}

static void report(const char *what, const char *engine, const struct counts *before,
                   const struct counts *after, int operations, double seconds, struct database *d) {
  double all = 0;
  printf("%s %s:", engine, what);
  for (int i = 0; i < after->number; i++) {
    long long n = after->of[i].calls - (i < before->number ? before->of[i].calls : 0);
    if (!n || !strcmp(after->of[i].name, "SEQUENCE")) continue; /* SEQUENCE alone is the lease's renewal */
    printf(" %s %.2f", after->of[i].name, (double)n / operations);
    all += (double)n;
  }
  printf(" | %.2f calls an operation, %d operations, %.2f ms each", all / operations, operations,
         seconds * 1e3 / operations);
  if (d->is_volume) {
    struct volume_status s;
    sqlite3_file_control(d->db, "main", VOLUME_STATUS, &s);
    printf(
        " | system calls in all: locks %llu reads %llu writes %llu syncs %llu; log %lld bytes, memory %lld",
        s.counts.locks, s.counts.reads, s.counts.writes, s.counts.syncs, s.log_bytes, s.memory_bytes);
  }
  puts("");
}

static int operate(struct database *d, const char *operation, int items, int number) {
  char id[64];
  if (!strcmp(operation, "idle")) return 0;
  if (!strcmp(operation, "read")) return database_read(d, number % d->options->lists) < 0;
  snprintf(id, sizeof id, "%d-%d-%d", (int)getpid(), (int)time(0), number);
  return !database_append(d, number % d->options->lists, id, items).done;
}

static double wall(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  struct lists_options options = {.databases = 1, .lists = 20, .body_bytes = 900, .checkpoint_frames = 1000};
  struct database d;
  struct counts before, after;
  int turns = argc > 1 && !strcmp(argv[1], "turns"), more = turns ? 10 : 6, items = 1, failed = 0, rc;
  if (argc < more || volume_vfs_register()) return 2;
  options.engine = argv[2];
  options.directory = argv[3];
  const char *operation = argv[4];
  int count = atoi(argv[5]);
  if (argc > more) items = atoi(argv[more]);
  if (argc > more + 1) options.body_bytes = atoi(argv[more + 1]);
  if (argc > more + 2) options.checkpoint_frames = atoi(argv[more + 2]);
  if ((rc = database_open(&d, &options, 0, 10))) return printf("cannot open: %d\n", rc), 1;
  if (turns) {
    int slot = atoi(argv[6]), slots = atoi(argv[7]);
    double start = atof(argv[8]), length = atof(argv[9]) / 1e3;
    double spent = 0;
    for (int i = -WARM_UP; i < count; i++) {
      if (i == 0) read_counts(&before);
      double at = start + length * ((i + WARM_UP) * slots + slot), now = wall();
      if (at > now) usleep((unsigned)((at - now) * 1e6));
      double begin = seconds_now();
      rc = database_acquire(&d, 5);
      failed += rc || operate(&d, operation, items, i + WARM_UP);
      if (!rc && i + 1 == count && !strcmp(operation, "append")) rc = database_checkpoint_if_long(&d);
      failed += database_release(&d) != 0;
      if (i >= 0) spent += seconds_now() - begin;
    }
    read_counts(&after);
    report(argv[4], "", &before, &after, count, spent, &d);
  } else {
    rc = database_acquire(&d, 10);
    for (int i = 0; i < 20; i++) failed += operate(&d, operation, items, i);
    read_counts(&before);
    double begin = seconds_now();
    for (int i = 20; i < 20 + count; i++) {
      failed += operate(&d, operation, items, i);
      failed += database_checkpoint_if_long(&d) != 0;
    }
    double spent = seconds_now() - begin;
    read_counts(&after);
    report(operation, argv[2], &before, &after, count, spent, &d);
    database_release(&d);
  }
  if (failed) printf("%d operations failed\n", failed);
  return failed != 0;
}
