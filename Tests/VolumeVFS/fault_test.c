/* Every call of the workload fails once in every way that matters, and the process dies at every call:
** what was acknowledged is there, nothing is half there, an error is never silent, a lost lock fences at
** once. */
#define _GNU_SOURCE
#include "workload.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { OPEN, LOCK, UNLOCK, READ, WRITE, SYNC, TRUNCATE, STAT, KINDS };
static const char *const names[KINDS] = {"open",  "lock", "unlock",   "read",
                                         "write", "sync", "truncate", "stat"};
enum how { FAIL, SHORT, DIE_BEFORE, DIE_AFTER, DIE_HALFWAY };
static struct {
  int kind, at, seen, fired, error;
  enum how how;
} plan; /* kind KINDS: any call */
static struct volume_calls real;

static int fires(enum kind kind) {
  if (plan.fired || (plan.kind != KINDS && plan.kind != (int)kind)) return 0;
  if (plan.seen++ != plan.at) return 0;
  plan.fired = 1;
  if (plan.how == DIE_BEFORE || (plan.how == DIE_HALFWAY && kind != WRITE)) _exit(0);
  return 1;
}
static int failed(void) {
  if (plan.how != FAIL) return 0;
  errno = plan.error;
  return 1;
}
static long after(long result, int fired) {
  if (fired && plan.how == DIE_AFTER) _exit(0);
  return result;
}
static int f_open(const char *path, int flags, int mode) {
  int fired = fires(OPEN);
  return fired && failed() ? -1 : (int)after(real.open(path, flags, mode), fired);
}
static int f_lock(int fd, int type, long long at, long long length) {
  int fired = fires(type == F_UNLCK ? UNLOCK : LOCK);
  return fired && failed() ? -1 : (int)after(real.lock(fd, type, at, length), fired);
}
static long f_pread(int fd, void *to, unsigned long amount, long long at) {
  int fired = fires(READ);
  if (fired && plan.how == SHORT && amount > 1) amount /= 2;
  return fired && failed() ? -1 : after(real.pread(fd, to, amount, at), fired);
}
static long f_pwrite(int fd, const void *from, unsigned long amount, long long at) {
  int fired = fires(WRITE);
  if (fired && (plan.how == SHORT || plan.how == DIE_HALFWAY) && amount > 1) amount /= 2;
  long n = fired && failed() ? -1 : after(real.pwrite(fd, from, amount, at), fired);
  if (fired && plan.how == DIE_HALFWAY) _exit(0);
  return n;
}
static int f_sync(int fd) {
  int fired = fires(SYNC);
  return fired && failed() ? -1 : (int)after(real.sync(fd), fired);
}
static int f_truncate(int fd, long long size) {
  int fired = fires(TRUNCATE);
  return fired && failed() ? -1 : (int)after(real.truncate(fd, size), fired);
}
static int f_stat(int fd, struct stat *to) {
  int fired = fires(STAT);
  return fired && failed() ? -1 : (int)after(real.stat(fd, to), fired);
}
static void arm(int kind, int at, enum how how, int error) {
  struct volume_calls calls = {.open = f_open,
                               .close = real.close,
                               .lock = f_lock,
                               .pread = f_pread,
                               .pwrite = f_pwrite,
                               .sync = f_sync,
                               .truncate = f_truncate,
                               .stat = f_stat,
                               .is_network = real.is_network};
  plan.kind = kind, plan.at = at, plan.how = how, plan.error = error, plan.seen = plan.fired = 0;
  volume_set_calls(&calls);
}

static int inject(enum kind kind, int error, enum how how) {
  int at = 0;
  for (;; at++) {
    volatile int acknowledged = 0, attempted = 0;
    sqlite3 *db = 0;
    empty_folder();
    arm(kind, at, how, error);
    int rc = workload(in_folder("a"), &db, &acknowledged, &attempted), fired = plan.fired;
    if (fired && how == FAIL && error != EINTR && error != EAGAIN) {
      EXPECT(rc, "%s %d failed with %d in silence", names[kind], at, error);
      EXPECT(rc == SQLITE_NOMEM || !db || status_of(db).fenced || (rc & 255) == SQLITE_FULL || kind == OPEN,
             "%s %d: %d does not fence", names[kind], at, rc);
      EXPECT((error != ENOSPC && error != EDQUOT) || (kind != WRITE && kind != SYNC) ||
                 (rc & 255) == SQLITE_FULL,
             "%s %d: no space is %d", names[kind], at, rc);
      if (db && status_of(db).fenced) {
        struct volume_counts before = status_of(db).counts;
        EXPECT(acquire(db) == VOLUME_IOERR_FENCED && run_sql(db, "create table x(x)"));
        struct volume_counts then = status_of(db).counts;
        EXPECT(then.writes == before.writes && then.locks == before.locks && then.reads == before.reads,
               "a fenced shard is touched");
      }
    } else if (error == EINTR || how == SHORT || !fired) {
      EXPECT(!rc, "%s %d: %d", names[kind], at, rc);
    } else {
      EXPECT(rc == SQLITE_BUSY, "%s %d: %d", names[kind], at, rc); /* EAGAIN on the hold */
    }
    sqlite3_close(db);
    volume_set_calls(NULL);
    verify(in_folder("a"), acknowledged, attempted);
    if (!fired) return at;
  }
}

static int die_everywhere(enum how how) {
  volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int at = 0;
  EXPECT(shared != MAP_FAILED);
  for (;; at++) {
    empty_folder();
    shared[0] = shared[1] = shared[2] = 0;
    if (!fork()) {
      sqlite3 *db;
      arm(KINDS, at, how, 0);
      int rc = workload(in_folder("a"), &db, &shared[0], &shared[1]);
      shared[2] = 1;
      _exit(rc != 0);
    }
    int status;
    EXPECT(wait(&status) > 0 && status == 0, "status %x", status);
    verify(in_folder("a"), shared[0], shared[1]);
    if (shared[2]) return at;
  }
}

int main(void) {
  static const int errors[] = {EIO, ESTALE, ENOLCK, ENOSPC, EDQUOT, EINTR};
  static const enum kind kinds[] = {OPEN, LOCK, UNLOCK, READ, WRITE, SYNC, STAT};
  int injected = 0, died = 0;
  start();
  real = volume_real_calls();
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    for (unsigned e = 0; e < sizeof errors / sizeof *errors; e++) {
      if (errors[e] == EINTR && (kinds[k] == OPEN || kinds[k] == STAT)) continue; /* not interruptible here */
      injected += inject(kinds[k], errors[e], FAIL);
    }
  }
  injected += inject(READ, 0, SHORT) + inject(WRITE, 0, SHORT);
  printf("ok: %d calls failed, none in silence, nothing acknowledged was lost\n", injected);
  static const enum how ways[] = {DIE_BEFORE, DIE_AFTER, DIE_HALFWAY};
  for (unsigned w = 0; w < 3; w++) died += die_everywhere(ways[w]);
  printf("ok: %d deaths, nothing acknowledged was lost\n", died);
  return 0;
}
