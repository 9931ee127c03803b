/* The write-ahead log of a shard: a mirror on the heap that answers every read, and a buffer that makes
** one commit one write.
**
** Why a mirror: frames up to a commit never change while the log's salts stay the same (wal.c:
** walRestartHdr() changes them whenever the log starts anew, walFrames() overwrites only frames after
** mxFrame). So what was read or written once is known as long as the first 32 bytes are the same, and an
** acquire reads only those and what follows the last known frame. Why past the page cache (O_DIRECT on
** NFS): every read then asks the server and every write has reached it, one NFS call each
** (fs/nfs/direct.c; a request that fits into wsize goes out FILE_SYNC), whatever the client cached before. */
#include "volume_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned big(const unsigned char *p) {
  return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
}
static void put_big(unsigned char *p, unsigned n) {
  for (int i = 3; i >= 0; i--, n >>= 8) p[i] = (unsigned char)(n & 255);
}

/* walformat 3.2, over the header's first 24 bytes as 32-bit words of the byte order its magic names. */
static void header_checksum(const unsigned char h[WAL_HEADER_BYTES], unsigned sum[2]) {
  sum[0] = sum[1] = 0;
  for (int i = 0; i < 24; i += 8) {
    unsigned word[2] = {big(h + i), big(h + i + 4)};
    if (!(h[3] & 1)) word[0] = __builtin_bswap32(word[0]), word[1] = __builtin_bswap32(word[1]);
    sum[0] += word[0] + sum[1];
    sum[1] += word[1] + sum[0];
  }
}

/* Page size of a valid WAL header (walformat 3), 0 if this is none. */
unsigned volume_log_page_bytes(const unsigned char h[WAL_HEADER_BYTES]) {
  unsigned page = big(h + 8), sum[2];
  if ((big(h) & ~1u) != WAL_MAGIC || big(h + 4) != WAL_VERSION) return 0;
  header_checksum(h, sum);
  if (sum[0] != big(h + 24) || sum[1] != big(h + 28)) return 0;
  return page >= 512 && page <= 65536 && !(page & (page - 1)) ? page : 0;
}

static int mirror_reserve(struct volume_log *log, off_t size) {
  size_t wanted = log->mirror_size ? log->mirror_size : 2 * TAIL_BYTES;
  unsigned char *grown;
  if (size <= (off_t)log->mirror_size) return 1;
  if (size > MIRROR_BYTES_MAX) return 0;
  while ((off_t)wanted < size) wanted += wanted < CHUNK_BYTES ? wanted : CHUNK_BYTES;
  if (!(grown = realloc(log->mirror, wanted)))
    return 0; /* the mirror only saves calls: the log can be read without it */
  log->mirror = grown;
  log->mirror_size = wanted;
  return 1;
}

static void mirror_drop(struct volume_log *log) {
  free(log->mirror);
  log->mirror = NULL;
  log->mirror_size = 0;
  log->valid = 0;
}

static void window_drop(struct volume_log *log) {
  free(log->window);
  log->window = NULL;
  log->window_at = log->window_end = 0;
}

/* Reads file[at, at+amount) into the mirror, whose valid part then ends with it. Bytes read, -1 on error,
** -2 if it is too much. */
static long mirror_load(struct volume_shard *s, off_t at, size_t amount) {
  struct volume_log *log = &s->log;
  long got;
  if (!mirror_reserve(log, at + (off_t)amount)) return -2;
  log->valid = at; /* a failed read leaves what came before */
  if ((got = volume_read(s, log->fd, log->mirror + at, amount, at)) < 0) return -1;
  log->valid = at + got;
  return got;
}

/* Follows the frames from `at` on by their salts (walformat 3.1: "A frame is considered valid if .. the
** salt-1 and salt-2 values in the frame-header match salt values in the wal-header") and sets `end`.
** Frames beyond `end` cannot be valid, so telling SQLite's recovery that the file ends there takes nothing
** from it; checksums and commit marks are its business. */
static int follow_frames(struct volume_shard *s, off_t at) {
  struct volume_log *log = &s->log;
  unsigned page = volume_log_page_bytes(log->header);
  off_t frame = FRAME_HEADER_BYTES + (off_t)page;
  struct stat st;
  long got;
  if (!page) {
    /* Empty: a new file, or a mark of which only a part was written (it is written when the log is not needed
    ** any more). Anything else is not ours to overwrite. */
    static const unsigned char none[WAL_HEADER_BYTES];
    int torn = (big(log->header) & ~1u) == WAL_MAGIC;
    if (!torn && memcmp(log->header, none, sizeof none)) return VOLUME_NOTADB_FOREIGN;
    return volume_log_mark(s, WAL_PAGE_BYTES, NULL);
  }
  for (;; at += frame) {
    if (at + FRAME_HEADER_BYTES <= log->valid && memcmp(log->mirror + at + 8, log->header + 16, 8)) break;
    if (at + frame <= log->valid) continue;
    got = mirror_load(s, log->valid, CHUNK_BYTES);
    if (got == -1) return volume_fence(s, SQLITE_IOERR_READ);
    if (got == -2) { /* longer than the mirror may be: SQLite reads the file itself, to its end */
      s->counts.stats++;
      if (volume_sys.stat(log->fd, &st)) return volume_fence(s, SQLITE_IOERR_FSTAT);
      at = st.st_size;
      break;
    }
    if (at + frame > log->valid) break; /* the file ends here */
    if (memcmp(log->mirror + at + 8, log->header + 16, 8)) break;
  }
  log->end = at;
  log->unused = at == WAL_HEADER_BYTES;
  return SQLITE_OK;
}

/* After the lock was taken: what did others do to the log since our index (up to known_end) was built? */
int volume_log_refresh(struct volume_shard *s, off_t known_end, enum volume_change *change) {
  struct volume_log *log = &s->log;
  window_drop(log);
  unsigned char header[WAL_HEADER_BYTES] = {0};
  off_t from = known_end > log->valid || known_end < WAL_HEADER_BYTES ? WAL_HEADER_BYTES : known_end;
  int rebuild = known_end > 0 && from != known_end; /* we know less than the index: read everything again */
  if (from > TAIL_BYTES) {                          /* header and tail lie apart */
    if (volume_read(s, log->fd, header, sizeof header, 0) < 0) return volume_fence(s, SQLITE_IOERR_READ);
    if (memcmp(header, log->header, sizeof header)) from = WAL_HEADER_BYTES;
  }
  if (from <= TAIL_BYTES) {
    if (mirror_load(s, 0, (size_t)from + TAIL_BYTES) < 0) return volume_fence(s, SQLITE_IOERR_READ);
    memset(header, 0, sizeof header);
    memcpy(header, log->mirror, log->valid < WAL_HEADER_BYTES ? (size_t)log->valid : WAL_HEADER_BYTES);
  } else if (mirror_load(s, from, TAIL_BYTES) == -1) {
    return volume_fence(s, SQLITE_IOERR_READ);
  }
  *change = VOLUME_SAME;
  if (!log->header_known || memcmp(header, log->header, sizeof header)) {
    *change = VOLUME_RESTARTED;
    from = WAL_HEADER_BYTES;
  }
  memcpy(log->header, header, sizeof header);
  log->header_known = 1;
  int rc = follow_frames(s, from);
  if (!rc && *change == VOLUME_SAME && (rebuild || log->end > from)) *change = VOLUME_APPENDED;
  return rc;
}

/* The log must never have to grow under a commit: growing can fail for lack of space (definitely, here,
** before a byte of the transaction was written), and EFS promises read-after-write for "non-appending
** writes" only. */
static int grow(struct volume_shard *s, off_t end) {
  struct volume_log *log = &s->log;
  off_t wanted = (end + TAIL_BYTES + PREALLOCATE_BYTES - 1) / PREALLOCATE_BYTES * PREALLOCATE_BYTES;
  off_t from = log->allocated > end ? log->allocated : end; /* never before the end of the last frame */
  unsigned char *filler;
  int rc = 0;
  if (end + TAIL_BYTES <= log->allocated) return SQLITE_OK;
  if (!(filler = malloc(PREALLOCATE_BYTES))) return SQLITE_IOERR_NOMEM;
  /* Not zeros: fresh zeros are one page of memory mapped many times, and NFS sends adjacent requests
  ** together only if their pages differ (fs/nfs/pagelist.c: nfs_can_coalesce_requests()): 64 calls, not 1. */
  memset(filler, 'S', PREALLOCATE_BYTES);
  for (; !rc && from < wanted; from += PREALLOCATE_BYTES) {
    size_t part = wanted - from < PREALLOCATE_BYTES ? (size_t)(wanted - from) : PREALLOCATE_BYTES;
    rc = volume_write(s, log->fd, filler, part, from);
  }
  free(filler);
  if (rc) return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : volume_fence(s, SQLITE_IOERR_WRITE);
  log->allocated = wanted;
  log->unsynced = 1;
  return SQLITE_OK;
}

int volume_log_flush(struct volume_shard *s) {
  struct volume_log *log = &s->log;
  size_t length = log->pending_length;
  int rc;
  if (!length) return SQLITE_OK;
  log->unused = 0;
  window_drop(log);
  log->pending_length = 0; /* success or not: SQLite never repeats the frames of a failed commit */
  if ((rc = grow(s, log->pending_at + (off_t)length))) return rc;
  if (volume_write(s, log->fd, log->pending, length, log->pending_at))
    return volume_fence(s, SQLITE_IOERR_WRITE);
  if (log->pending_at == 0) {
    memcpy(log->header, log->pending, length < WAL_HEADER_BYTES ? length : WAL_HEADER_BYTES);
    log->header_known = 1;
  }
  log->unsynced = 1;
  log->flushed_end = log->pending_at + (off_t)length;
  return SQLITE_OK;
}

/* One commit = one stable write. SQLite syncs a new WAL header before the first frame, because an old
** valid header followed by a mixture of old and new frames could bring old pages back (wal.c, ticket
** ff5be73dee). While the volume holds a header that no frame belongs to (our mark), nothing can come back,
** whatever part of the new header and frames lands: so they go together. */
int volume_log_sync(struct volume_shard *s) {
  struct volume_log *log = &s->log;
  int rc;
  if (log->unused && log->pending_at == 0 && log->pending_length == WAL_HEADER_BYTES) return SQLITE_OK;
  if ((rc = volume_log_flush(s))) return rc;
  if (log->unsynced && volume_sync(s, log->fd)) return volume_fence(s, SQLITE_IOERR_FSYNC);
  log->unsynced = 0;
  log->synced_end = log->flushed_end;
  return SQLITE_OK;
}

/* Empties the log without making the file shorter: a new WAL header, to which no frame in the file
** belongs. Its salts are never used twice, for they are how every host tells one life of the log from
** another. It is the header SQLite will write next (wal.c:walRestartHdr() has put the new salts into the
** index just before it truncates; nCkpt counts up), so that the next commit needs to write frames only,
** and any other host recovers the same salts from it. An empty file would not do: SQLite up to 3.40 then
** starts a log with salts 0, 0. Safe only when the database holds and has synced everything, which is when
** walCheckpoint() truncates. */
int volume_log_mark(struct volume_shard *s, unsigned page_bytes, const unsigned char salts[8]) {
  struct volume_log *log = &s->log;
  unsigned char mark[WAL_HEADER_BYTES];
  unsigned sum[2], count = volume_log_page_bytes(log->header) ? big(log->header + 12) : 0;
  int rc;
  put_big(mark, WAL_MAGIC);
  put_big(mark + 4, WAL_VERSION);
  put_big(mark + 8, page_bytes);
  put_big(mark + 12, count + 1 ? count + 1 : 1); /* never 0, on which SQLite would choose salts of its own */
  if (salts && memcmp(salts, log->header + 16, 8)) memcpy(mark + 16, salts, 8);
  else sqlite3_randomness(8, mark + 16);
  header_checksum(mark, sum);
  put_big(mark + 24, sum[0]), put_big(mark + 28, sum[1]);
  log->pending_length = 0;
  mirror_drop(log);
  if ((rc = volume_log_write(s, mark, sizeof mark, 0)) || (rc = volume_log_flush(s))) return rc;
  if (volume_sync(s, log->fd)) return volume_fence(s, SQLITE_IOERR_FSYNC);
  log->unsynced = 0;
  log->unused = 1;
  return SQLITE_OK;
}

/* Frames of the log's earlier lives stay in the file, which never gets shorter (see grow()): this overwrites
** them with its filler, through the locked file, as every write. */
int volume_log_purge(struct volume_shard *s) {
  struct volume_log *log = &s->log;
  struct stat st;
  unsigned char *filler;
  off_t at = WAL_HEADER_BYTES;
  int rc = volume_may_touch(s);
  if (rc) return rc;
  if (!log->unused || log->pending_length) return SQLITE_BUSY;
  s->counts.stats++;
  if (volume_sys.stat(log->fd, &st)) return volume_fence(s, SQLITE_IOERR_FSTAT);
  if (!(filler = malloc(PREALLOCATE_BYTES))) return SQLITE_IOERR_NOMEM;
  memset(filler, 'S', PREALLOCATE_BYTES);
  for (; !rc && at < st.st_size; at += PREALLOCATE_BYTES) {
    size_t part = st.st_size - at < PREALLOCATE_BYTES ? (size_t)(st.st_size - at) : PREALLOCATE_BYTES;
    rc = volume_write(s, log->fd, filler, part, at);
  }
  free(filler);
  window_drop(log);
  if (rc) return volume_fence(s, SQLITE_IOERR_WRITE);
  return volume_sync(s, log->fd) ? volume_fence(s, SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

/* What SQLite shall think: at least one frame, so that its recovery reads the header and its salts (wal.c
** asks for more than 32 bytes); that frame is not valid. */
off_t volume_log_size(const struct volume_log *log) {
  off_t least = WAL_HEADER_BYTES + FRAME_HEADER_BYTES + (off_t)volume_log_page_bytes(log->header);
  return log->end > least ? log->end : least;
}

/* A log longer than the mirror is read in large pieces: its recovery asks for one frame after the other. */
static long read_through_window(struct volume_shard *s, void *to, size_t amount, off_t at) {
  struct volume_log *log = &s->log;
  long got;
  if (!log->window && !(log->window = malloc(CHUNK_BYTES))) return volume_read(s, log->fd, to, amount, at);
  if (at < log->window_at || at + (off_t)amount > log->window_end) {
    log->window_at = log->window_end = at;
    if ((got = volume_read(s, log->fd, log->window, CHUNK_BYTES, at)) < 0) return -1;
    log->window_end = at + got;
  }
  got = log->window_end - at < (off_t)amount ? (long)(log->window_end - at) : (long)amount;
  memcpy(to, log->window + (at - log->window_at), (size_t)got);
  return got;
}

int volume_log_read(struct volume_shard *s, void *to, int amount, off_t at) {
  struct volume_log *log = &s->log;
  long got;
  int rc;
  if (at + amount <= log->valid) {
    memcpy(to, log->mirror + at, (size_t)amount);
    return SQLITE_OK;
  }
  if (at < log->end) { /* a log longer than the mirror */
    if (log->pending_length && (rc = volume_log_flush(s))) return rc;
    if ((got = read_through_window(s, to, (size_t)amount, at)) < 0) return volume_fence(s, SQLITE_IOERR_READ);
    if (got == amount) return SQLITE_OK;
    return memset((char *)to + got, 0, (size_t)(amount - got)), SQLITE_IOERR_SHORT_READ;
  }
  memset(to, 0, (size_t)amount); /* c3ref/io_methods: "must also fill in the unread portion with zeros" */
  return at + amount <= volume_log_size(log) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int pending_reserve(struct volume_log *log, size_t size) {
  size_t wanted = log->pending_size ? log->pending_size : 2 * TAIL_BYTES;
  unsigned char *grown;
  if (size <= log->pending_size) return 1;
  while (wanted < size) wanted *= 2;
  if (!(grown = realloc(log->pending, wanted))) return 0;
  log->pending = grown;
  log->pending_size = wanted;
  return 1;
}

static int append_pending(struct volume_shard *s, const void *from, size_t length, off_t at) {
  struct volume_log *log = &s->log;
  size_t offset = (size_t)(at - log->pending_at);
  int rc, joins = log->pending_length && at >= log->pending_at && offset <= log->pending_length &&
                  offset + length <= CHUNK_BYTES;
  if (!joins) {
    if ((rc = volume_log_flush(s))) return rc;
    log->pending_at = at;
    offset = 0;
  }
  if (!pending_reserve(log, offset + length)) return SQLITE_IOERR_NOMEM;
  memcpy(log->pending + offset, from, length);
  if (offset + length > log->pending_length) log->pending_length = offset + length;
  return SQLITE_OK;
}

int volume_log_write(struct volume_shard *s, const void *from, int amount, off_t at) {
  struct volume_log *log = &s->log;
  size_t length = (size_t)amount;
  int rc;
  if (at == 0) log->valid = log->end = 0; /* a WAL header: what followed the old one is void */
  int on_volume = at == 0 && amount == WAL_HEADER_BYTES && log->unused && !memcmp(from, log->header, length);
  if (!on_volume) {
    if ((rc = append_pending(s, from, length, at))) return rc;
  }
  if (at <= log->valid && mirror_reserve(log, at + amount)) {
    memcpy(log->mirror + at, from, length);
    if (at + amount > log->valid) log->valid = at + amount;
  } else if (at < log->valid) {
    log->valid = at;
  }
  if (at + amount > log->end) log->end = at + amount;
  return SQLITE_OK;
}

/* The end of a write transaction. Left to write are frames of a transaction that failed or was rolled back
** (dropped: they would only make the next acquire look twice), or, below synchronous=FULL, of one that was
** committed. */
void volume_log_drop_pending(struct volume_shard *s, off_t committed_end) {
  struct volume_log *log = &s->log;
  off_t synced_end = log->synced_end;
  log->flushed_end = log->synced_end = 0;
  window_drop(log);
  /* SQLite syncs the log to commit. If it failed after that (no memory for its index), it takes the commit
  ** for a failure, and the volume holds it: in doubt, like a failed write. */
  if (synced_end > committed_end && synced_end > WAL_HEADER_BYTES) {
    errno = ECANCELED;
    (void)volume_fence(s, SQLITE_IOERR_SHMMAP);
  }
  if (log->pending_length && committed_end > log->pending_at) {
    (void)volume_log_flush(s); /* an error has fenced the shard, and the next call says so */
    return;
  }
  log->pending_length = 0;
  if (log->pending_size > PREALLOCATE_BYTES) {
    free(log->pending);
    log->pending = NULL;
    log->pending_size = 0;
  }
  if (log->valid > committed_end && committed_end >= WAL_HEADER_BYTES) log->valid = committed_end;
}

void volume_log_free(struct volume_log *log) {
  mirror_drop(log);
  window_drop(log);
  free(log->pending);
  log->pending = NULL;
}
