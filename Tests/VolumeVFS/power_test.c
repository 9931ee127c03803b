/* Power loss: after the workload was cut off anywhere, the volume holds everything that was synced, and of
** what was written since the last sync of a file any subset of its 512-byte sectors, in any mixture. What
** was acknowledged is there all the same. (An NFS server that dies may have carried out a WRITE in part; a
** client's unsynced pages of the database may be lost.) */
#define _GNU_SOURCE
#include "workload.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 2, SECTOR = 512, STEPS_MAX = 4000 };
static struct volume_calls real;
static int fds[FILES] = {-1, -1}; /* 0: the database, 1: the log */
static struct step {
  int file, sync;
  long long at;
  unsigned long length;
  char *data;
  int acknowledged, attempted;
} steps[STEPS_MAX];
static int number_of_steps;
static volatile int acknowledged, attempted;

static struct step *record(int fd) {
  int file = fd == fds[0] ? 0 : fd == fds[1] ? 1 : -1;
  if (file < 0) return 0;
  EXPECT(number_of_steps < STEPS_MAX);
  struct step *s = &steps[number_of_steps++];
  memset(s, 0, sizeof *s);
  s->file = file, s->acknowledged = acknowledged, s->attempted = attempted;
  return s;
}
static int p_open(const char *path, int flags, int mode) {
  int fd = real.open(path, flags, mode);
  size_t n = strlen(path);
  if (n > 4 && !strcmp(path + n - 4, "-log")) fds[1] = fd;
  else if (flags & O_CREAT) fds[0] = fd;
  return fd;
}
static long p_pwrite(int fd, const void *from, unsigned long amount, long long at) {
  struct step *s = record(fd);
  if (s) s->at = at, s->length = amount, s->data = memcpy(malloc(amount), from, amount);
  return real.pwrite(fd, from, amount, at);
}
static int p_sync(int fd) {
  struct step *s = record(fd);
  if (s) s->sync = 1;
  return real.sync(fd);
}

static void apply_sectors(int fd, const struct step *s, int percent) {
  for (long long at = s->at, end = s->at + (long long)s->length; at < end;) {
    long long next = (at / SECTOR + 1) * SECTOR;
    if (next > end) next = end;
    if (rand() % 100 < percent)
      EXPECT(real.pwrite(fd, s->data + (at - s->at), (unsigned long)(next - at), at) == next - at);
    at = next;
  }
}

/* The volume as it may be when the power fails just before step `end`. */
static void rebuild(int end, int percent) {
  static const char *const names[FILES] = {"b", "b-log"};
  for (int file = 0; file < FILES; file++) {
    int synced = 0, fd = open(in_folder(names[file]), O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < end; i++)
      if (steps[i].file == file && steps[i].sync) synced = i;
    for (int i = 0; i < end; i++) {
      if (steps[i].file == file && !steps[i].sync) apply_sectors(fd, &steps[i], i < synced ? 100 : percent);
    }
    close(fd);
  }
}

int main(int argc, char **argv) {
  unsigned seed = argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)getpid();
  struct volume_calls calls;
  sqlite3 *db;
  int states = 0;
  start();
  printf("seed %u\n", seed);
  srand(seed);
  real = volume_real_calls();
  calls = real, calls.open = p_open, calls.pwrite = p_pwrite, calls.sync = p_sync;
  volume_set_calls(&calls);
  EXPECT(!workload(in_folder("a"), &db, &acknowledged, &attempted) && !sqlite3_close(db));
  volume_set_calls(NULL);
  for (int end = 0; end <= number_of_steps; end++) {
    int last = end < number_of_steps;
    int acked = last ? steps[end].acknowledged : acknowledged,
        tried = last ? steps[end].attempted : attempted;
    static const int percents[] = {0, 30, 50, 70, 100};
    for (unsigned i = 0; i < sizeof percents / sizeof *percents; i++, states++) {
      rebuild(end, percents[i]);
      verify(in_folder("b"), acked, tried);
    }
  }
  printf("ok: %d power losses over %d steps, nothing acknowledged was lost\n", states, number_of_steps);
  return 0;
}
