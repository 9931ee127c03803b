/* One shard: its two files, its locks, its fence.
**
** Locks (all of the open file description, so that no close() elsewhere in the process drops them), each
** on bytes of its own, none ever changed from one kind to another in place:
**   database, 512 bytes from 0x40000000: read lock while open. Presence; and ordinary SQLite must
**   write-lock some of these bytes before it changes a database in rollback mode (os_unix.c: PENDING,
**   RESERVED, SHARED), so it gets SQLITE_BUSY.
**   log, byte 0x40000000: read lock while open. Presence.
**   log, byte 0x40000001: write lock while the shard is held.
** Presence is the fence: a client that lost its lease and sees a lock lost answers every later read and
** write of that open file with EIO (fs/nfs/nfs4state.c: nfs4_copy_lock_stateid(), NFS_LOCK_LOST), and the
** server refuses what is already on its way (RFC 8881 8.2.4: an expired stateid). So nothing from before
** the loss can land afterwards, in the log or in the database. Two read locks and a write lock per task
** and shard: EFS's 512 locks a file bound the tasks to about 500. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif
#include "volume_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  BYTE_PRESENCE = 0x40000000,
  BYTE_HOLD = 0x40000001,
  SQLITE_LOCK_BYTES = 512, /* PENDING, RESERVED and 510 SHARED: os_unix.c */
  INTERRUPTS_MAX = 1000,
};

static long long now_ms(void) {
  struct timespec t;
#ifdef CLOCK_BOOTTIME
  clock_gettime(CLOCK_BOOTTIME, &t);
#else
  clock_gettime(CLOCK_MONOTONIC, &t);
#endif
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int volume_fence(struct volume_shard *s, int code) {
  int error = errno;
  if (!s->fenced) {
    s->last_errno = error;
    s->last_code = code;
  }
  s->fenced = 1;
  if (error == ENOSPC || error == EDQUOT)
    return SQLITE_FULL; /* in doubt all the same: only recovery knows what landed */
  return error == EIO || error == ESTALE || error == ENOLCK ? VOLUME_IOERR_FENCED : code;
}

int volume_may_touch(const struct volume_shard *s) {
  if (s->fenced) return VOLUME_IOERR_FENCED;
  return s->held ? SQLITE_OK : VOLUME_IOERR_NOT_HELD;
}

long volume_read(struct volume_shard *s, int fd, void *to, size_t amount, off_t at) {
  size_t got = 0;
  for (int interrupts = 0; got < amount;) {
    long n = volume_sys.pread(fd, (char *)to + got, amount - got, at + (off_t)got);
    s->counts.reads++;
    if (n == 0) break;
    if (n < 0 && errno == EINTR && interrupts++ < INTERRUPTS_MAX) continue;
    if (n < 0) return -1;
    got += (size_t)n;
  }
  s->counts.read_bytes += got;
  s->contact_ms = now_ms();
  return (long)got;
}

int volume_write(struct volume_shard *s, int fd, const void *from, size_t amount, off_t at) {
  size_t done = 0;
  for (int interrupts = 0; done < amount;) {
    long n = volume_sys.pwrite(fd, (const char *)from + done, amount - done, at + (off_t)done);
    s->counts.writes++;
    if (n < 0 && errno == EINTR && interrupts++ < INTERRUPTS_MAX) continue;
    if (n == 0) errno = ENOSPC;
    if (n <= 0) return -1;
    done += (size_t)n;
  }
  s->counts.written_bytes += done;
  s->contact_ms = now_ms();
  return 0;
}

int volume_sync(struct volume_shard *s, int fd) {
  int rc, interrupts = 0;
  s->counts.syncs++;
  while ((rc = volume_sys.sync(fd)) && errno == EINTR && interrupts++ < INTERRUPTS_MAX) {}
  if (!rc) s->contact_ms = now_ms();
  return rc;
}

static int lock(struct volume_shard *s, int fd, int type, off_t at, off_t length) {
  int rc, interrupts = 0;
  if (type == F_UNLCK) s->counts.unlocks++;
  else s->counts.locks++;
  while ((rc = volume_sys.lock(fd, type, at, length)) && errno == EINTR && interrupts++ < INTERRUPTS_MAX) {}
  if (!rc) s->contact_ms = now_ms();
  return rc;
}

/* Taking a presence lock again asks for what we have, and is the one thing that makes a Linux NFS client
** forget the file's cached pages and attributes (fs/nfs/file.c:do_setlk(): "This makes locking act as a
** cache coherency point"). */
static int lock_db_presence(struct volume_shard *s) {
  return lock(s, s->db, F_RDLCK, BYTE_PRESENCE, SQLITE_LOCK_BYTES);
}

static int open_failed(struct volume_shard *s) {
  int error = errno;
  volume_shard_close(s);
  errno = error;
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP ? VOLUME_CANTOPEN_NO_LOCKS
                                                                   : SQLITE_CANTOPEN;
}

static char *path_of(const char *name, const char *suffix) {
  size_t length = strlen(name), more = strlen(suffix) + 1;
  char *path = malloc(length + more);
  if (path) memcpy(path, name, length), memcpy(path + length, suffix, more);
  return path;
}

int volume_shard_open(const char *path, struct volume_shard **to) {
  struct volume_shard *s = calloc(1, sizeof *s);
  struct stat st;
  char *log_path = path_of(path, "-log"), *slash;
  int rc = SQLITE_OK;
  if (s) s->db = s->log.fd = -1, s->directory = path_of(path, "");
  if (!s || !log_path || !s->directory) {
    free(log_path);
    if (s) volume_shard_close(s);
    return SQLITE_NOMEM;
  }
  if ((slash = strrchr(s->directory, '/'))) *(slash == s->directory ? slash + 1 : slash) = 0;
  s->db = volume_sys.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (s->db >= 0) s->log.fd = volume_sys.open(log_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
#if defined(__linux__) && !defined(O_DIRECT)
#error "without O_DIRECT the log would be read from the page cache"
#endif
#ifdef O_DIRECT
  /* NFS alone takes direct reads and writes of any alignment; elsewhere one page cache serves all
  ** processes anyway. */
  if (s->log.fd >= 0 && volume_sys.is_network(s->log.fd)) {
    volume_sys.close(s->log.fd);
    s->log.fd = volume_sys.open(log_path, O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
  }
#endif
  free(log_path);
  if (s->db < 0 || s->log.fd < 0) rc = errno == ENOMEM ? SQLITE_NOMEM : SQLITE_CANTOPEN;
  if (rc || lock_db_presence(s) || lock(s, s->log.fd, F_RDLCK, BYTE_PRESENCE, 1) ||
      volume_sys.stat(s->log.fd, &st)) {
    int failed = open_failed(s); /* errno is kept for xGetLastError */
    return rc ? rc : failed;
  }
  s->log.allocated = st.st_size;
  *to = s;
  return SQLITE_OK;
}

void volume_shard_close(struct volume_shard *s) {
  if (s->log.fd >= 0)
    volume_sys.close(s->log.fd); /* closing gives back every lock of the open file description */
  if (s->db >= 0) volume_sys.close(s->db);
  volume_log_free(&s->log);
  for (int i = 0; i < s->index_regions; i++) free(s->index[i]);
  free(s->index);
  free(s->directory);
  free(s);
}

/* What the WAL index says of the log (walformat 2.1: version at 0, isInit 12, page size 14, mxFrame 16). */
static unsigned index_frames(const struct volume_shard *s, unsigned *page_bytes) {
  uint32_t version, frames;
  uint16_t page;
  const unsigned char *index = s->index_regions ? s->index[0] : NULL;
  *page_bytes = 0;
  if (!index || !index[12]) return 0;
  memcpy(&version, index, 4), memcpy(&page, index + 14, 2), memcpy(&frames, index + 16, 4);
  if (version != 3007000) return 0;
  *page_bytes = (unsigned)(page & 0xfe00) + ((unsigned)(page & 1) << 16);
  return frames;
}
static off_t index_end(const struct volume_shard *s) {
  unsigned page, frames = index_frames(s, &page);
  return frames ? WAL_HEADER_BYTES + (off_t)frames * (FRAME_HEADER_BYTES + (off_t)page) : 0;
}

/* wal.c:walIndexTryHdr(): isInit 0 is a "Malformed header - probably all zeros"; SQLite then runs its own
** recovery over the log and reports a change, on which the pager forgets every cached page. */
static void index_clear(struct volume_shard *s) {
  if (s->index_regions) memset(s->index[0], 0, INDEX_HEADER_BYTES);
}

static int sync_directory(struct volume_shard *s) {
  int fd = volume_sys.open(s->directory, O_RDONLY | O_CLOEXEC, 0), rc;
  if (fd < 0) return -1;
  rc = volume_sync(s, fd);
  volume_sys.close(fd);
  return rc;
}

/* Once per open, under the hold: an empty file becomes a shard, anything but a shard is refused and left
** alone. A birth that a crash cut short left at most one page, of which every byte is zero or right, and a
** log without a frame: it is repeated. */
static int verify_or_birth(struct volume_shard *s) {
  unsigned char page[PAGE1_BYTES], birth[PAGE1_BYTES];
  struct stat st;
  int unborn = s->log.end <= WAL_HEADER_BYTES;
  long got = volume_read(s, s->db, page, sizeof page, 0);
  if (got < 0) return volume_fence(s, SQLITE_IOERR_READ);
  if (got == (long)sizeof page && volume_page1_is_ours(page)) {
    s->verified = 1;
    return SQLITE_OK;
  }
  if (volume_sys.stat(s->db, &st)) return volume_fence(s, SQLITE_IOERR_FSTAT);
  volume_page1_birth(birth);
  for (long i = 0; i < got; i++) unborn &= page[i] == 0 || page[i] == birth[i];
  if (!unborn || st.st_size > PAGE1_BYTES) return VOLUME_NOTADB_FOREIGN;
  if (volume_write(s, s->db, birth, sizeof birth, 0)) return volume_fence(s, SQLITE_IOERR_WRITE);
  if (volume_sync(s, s->db)) return volume_fence(s, SQLITE_IOERR_FSYNC);
  if (sync_directory(s)) return volume_fence(s, SQLITE_IOERR_DIR_FSYNC);
  s->verified = 1;
  return SQLITE_OK;
}

/* Cold: lock, one read if the log is short, else two (its header; what follows the last known frame). */
int volume_shard_acquire(struct volume_shard *s) {
  enum volume_change change = VOLUME_SAME;
  int rc, known = s->verified;
  if (s->fenced) return VOLUME_IOERR_FENCED;
  if (s->held) return SQLITE_OK;
  if (lock(s, s->log.fd, F_WRLCK, BYTE_HOLD, 1)) {
    if (errno == EAGAIN || errno == EACCES) return SQLITE_BUSY;
    return volume_fence(s, SQLITE_IOERR_LOCK);
  }
  s->held = 1;
  rc = volume_log_refresh(s, index_end(s), &change);
  if (change != VOLUME_SAME) index_clear(s);
  /* The client's cached pages of the database are good as long as the log was not restarted: until then
  ** every page that a checkpoint of another host wrote is in the log as well, where the rebuilt index
  ** finds it (its nBackfill is 0). */
  if (!rc && change == VOLUME_RESTARTED && lock_db_presence(s)) rc = volume_fence(s, SQLITE_IOERR_LOCK);
  if (!rc && !s->verified) rc = verify_or_birth(s);
  if (!rc) {
    s->changed_hands = known && change != VOLUME_SAME;
    return SQLITE_OK;
  }
  s->held = 0;
  (void)lock(s, s->log.fd, F_UNLCK, BYTE_HOLD, 1); /* fenced or foreign: at least do not stand in the way */
  return rc;
}

int volume_shard_release(struct volume_shard *s) {
  if (!s->held) return SQLITE_OK;
  if (!s->fenced && (s->shm_shared || s->shm_exclusive))
    return SQLITE_BUSY; /* its snapshot would outlive the lock */
  s->held = 0;
  if (lock(s, s->log.fd, F_UNLCK, BYTE_HOLD, 1) && !s->fenced) return volume_fence(s, SQLITE_IOERR_UNLOCK);
  return SQLITE_OK;
}

int volume_shard_verify(struct volume_shard *s) {
  unsigned char header[WAL_HEADER_BYTES];
  int rc = volume_may_touch(s);
  if (rc) return rc;
  if (volume_read(s, s->log.fd, header, sizeof header, 0) < 0) return volume_fence(s, SQLITE_IOERR_READ);
  /* The header is ours while we hold. Another one means that somebody restarted the log: the lock is worth
  ** nothing here. */
  if (!memcmp(header, s->log.header, sizeof header)) return SQLITE_OK;
  errno = ENOLCK;
  return volume_fence(s, SQLITE_IOERR_LOCK);
}

void volume_shard_end_write(struct volume_shard *s) { volume_log_drop_pending(s, index_end(s)); }

void volume_shard_status(struct volume_shard *s, struct volume_status *to) {
  unsigned page;
  memset(to, 0, sizeof *to);
  to->held = s->held;
  to->fenced = s->fenced;
  to->changed_hands = s->changed_hands;
  to->last_errno = s->last_errno;
  to->last_code = s->last_code;
  to->log_frames = index_frames(s, &page);
  to->log_bytes = s->log.end;
  to->memory_bytes = (long long)s->log.mirror_size + (long long)s->log.pending_size +
                     (long long)s->index_regions * INDEX_REGION_BYTES;
  to->contact_age_ms = now_ms() - s->contact_ms;
  to->counts = s->counts;
}
