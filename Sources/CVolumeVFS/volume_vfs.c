/* The faces SQLite sees: the VFS object and the methods of a shard's two files. The contract is in
** volume_vfs.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, O_DIRECT */
#endif
#include "volume_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct volume_file {
  sqlite3_file base;
  struct volume_shard *shard;
};
static struct volume_shard *shard_of(sqlite3_file *f) { return ((struct volume_file *)f)->shard; }
static sqlite3_vfs *parent;

/* ---- the database ---- */

static int db_close(sqlite3_file *f) {
  volume_shard_close(shard_of(f));
  return SQLITE_OK;
}

static int db_read(sqlite3_file *f, void *to, int amount, sqlite3_int64 at) {
  struct volume_shard *s = shard_of(f);
  int rc = volume_may_touch(s);
  long got = 0;
  if (!rc && (got = volume_read(s, s->db, to, (size_t)amount, at)) < 0)
    return volume_fence(s, SQLITE_IOERR_READ);
  if (rc && (s->fenced || at > 0 || amount > 100)) return rc;
  /* sqlite3_open() reads the first 100 bytes before the application can acquire; zeros stand for "not
  ** known yet", and lockBtree() learns the truth in the first transaction. */
  if (got < amount) memset((char *)to + got, 0, (size_t)(amount - got));
  if (got && volume_page1_is_touched(amount, at)) volume_page1_present(to, amount, at);
  return got == amount ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* Only a checkpoint writes the database, after it synced the log: a page lost or torn here is still in the
** log. */
static int db_write(sqlite3_file *f, const void *from, int amount, sqlite3_int64 at) {
  struct volume_shard *s = shard_of(f);
  unsigned char *copy = NULL;
  int rc = volume_may_touch(s);
  if (rc) return rc;
  if (volume_page1_is_touched(amount, at)) {
    if (!(copy = malloc((size_t)amount))) return SQLITE_IOERR_NOMEM;
    memcpy(copy, from, (size_t)amount);
    volume_page1_disguise(copy, amount, at);
  }
  if (volume_write(s, s->db, copy ? copy : from, (size_t)amount, at))
    rc = volume_fence(s, SQLITE_IOERR_WRITE);
  free(copy);
  return rc;
}

static int db_size(sqlite3_file *f, sqlite3_int64 *size) {
  struct volume_shard *s = shard_of(f);
  struct stat st;
  int rc = volume_may_touch(s);
  if (rc) return rc;
  s->counts.stats++;
  if (volume_sys.stat(s->db, &st)) return volume_fence(s, SQLITE_IOERR_FSTAT);
  *size = st.st_size;
  return SQLITE_OK;
}

/* Every complete checkpoint "truncates" to the size the file has: asking first saves NFS a SETATTR. */
static int db_truncate(sqlite3_file *f, sqlite3_int64 size) {
  struct volume_shard *s = shard_of(f);
  sqlite3_int64 now;
  int rc = db_size(f, &now);
  if (rc || now == size) return rc;
  s->counts.truncates++;
  return volume_sys.truncate(s->db, size) ? volume_fence(s, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int db_sync(sqlite3_file *f, int flags) {
  struct volume_shard *s = shard_of(f);
  int rc = volume_may_touch(s);
  (void)flags;
  if (!rc && volume_sync(s, s->db)) rc = volume_fence(s, SQLITE_IOERR_FSYNC);
  return rc;
}

/* SQLite's own locks ask for nothing: whoever holds the shard is alone. Outside a hold they fail with
** SQLITE_PROTOCOL, not SQLITE_BUSY, on which wal.c:walTryBeginRead() would try again for ten seconds. */
static int may_lock(const struct volume_shard *s) {
  if (s->fenced) return VOLUME_IOERR_FENCED;
  return s->held ? SQLITE_OK : SQLITE_PROTOCOL;
}
static int db_lock(sqlite3_file *f, int level) {
  (void)level;
  return may_lock(shard_of(f));
}
static int db_unlock(sqlite3_file *f, int level) {
  (void)f, (void)level;
  return SQLITE_OK;
}
static int db_check_reserved(sqlite3_file *f, int *reserved) {
  (void)f;
  *reserved = 0;
  return SQLITE_OK;
}

/* Settings under which the argument of this VFS does not hold are refused, however they come in. */
static int pragma(char **argument) {
  const char *name = argument[1], *value = argument[2];
  int refused = value && ((!sqlite3_stricmp(name, "journal_mode") && sqlite3_stricmp(value, "wal")) ||
                          (!sqlite3_stricmp(name, "locking_mode") && sqlite3_stricmp(value, "normal")));
  if (!refused) return SQLITE_NOTFOUND;
  argument[0] = sqlite3_mprintf("%s=%s is not possible on a volume", name, value);
  return SQLITE_ERROR;
}

static int db_control(sqlite3_file *f, int op, void *argument) {
  struct volume_shard *s = shard_of(f);
  switch (op) {
  case VOLUME_TRY_ACQUIRE: return volume_shard_acquire(s);
  case VOLUME_RELEASE: return volume_shard_release(s);
  case VOLUME_VERIFY: return volume_shard_verify(s);
  case VOLUME_PURGE: return volume_log_purge(s);
  case VOLUME_STATUS: volume_shard_status(s, argument); return SQLITE_OK;
  case SQLITE_FCNTL_PERSIST_WAL:
    *(int *)argument = 1;
    return SQLITE_OK; /* the log carries the locks: it stays */
  case SQLITE_FCNTL_LAST_ERRNO: *(int *)argument = s->last_errno; return SQLITE_OK;
  case SQLITE_FCNTL_VFSNAME: *(char **)argument = sqlite3_mprintf("volume"); return SQLITE_OK;
  case SQLITE_FCNTL_PRAGMA: return pragma(argument);
  default: return SQLITE_NOTFOUND;
  }
}

static int sector_size(sqlite3_file *f) {
  (void)f;
  return 4096;
}
/* POWERSAFE_OVERWRITE is what SQLite claims by default too (c3ref/c_iocap_atomic: "when data is written ..
** only the bytes in range of the write are modified"); without it every commit is padded with copies of
** its last frame. Nothing else is claimed: NFS neither orders writes (SEQUENTIAL) nor makes them atomic
** across a crash of the server (ATOMIC). */
static int characteristics(sqlite3_file *f) {
  (void)f;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- the WAL index: private heap, seen by this connection alone ---- */

static int shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **to) {
  struct volume_shard *s = shard_of(f);
  int rc = may_lock(s);
  *to = NULL;
  if (rc) return rc;
  if (bytes != INDEX_REGION_BYTES || region >= INDEX_REGIONS_MAX) return SQLITE_IOERR_SHMMAP;
  if (region >= s->index_regions && !extend) return SQLITE_OK;
  while (s->index_regions <= region) {
    void **grown = realloc(s->index, sizeof *grown * (size_t)(s->index_regions + 1));
    if (!grown) return SQLITE_IOERR_NOMEM;
    s->index = grown;
    if (!(grown[s->index_regions] = calloc(1, INDEX_REGION_BYTES))) return SQLITE_IOERR_NOMEM;
    s->index_regions++;
  }
  *to = s->index[region];
  return SQLITE_OK;
}

static int shm_lock(sqlite3_file *f, int first, int count, int flags) {
  struct volume_shard *s = shard_of(f);
  unsigned bits = ((1u << count) - 1) << first,
           *held = flags & SQLITE_SHM_SHARED ? &s->shm_shared : &s->shm_exclusive;
  int rc;
  if (flags & SQLITE_SHM_UNLOCK) {
    *held &= ~bits;
    if (first == 0 && flags & SQLITE_SHM_EXCLUSIVE && !s->fenced)
      volume_shard_end_write(s); /* WAL_WRITE_LOCK is slot 0 */
    return SQLITE_OK;
  }
  if ((rc = may_lock(s))) return rc;
  *held |= bits;
  return SQLITE_OK;
}
static void shm_barrier(sqlite3_file *f) {
  (void)f;
  __sync_synchronize();
}
static int shm_unmap(sqlite3_file *f,
                     int delete_it) { /* freed with the shard: the next acquire compares with it */
  (void)delete_it;
  shard_of(f)->shm_shared = shard_of(f)->shm_exclusive = 0;
  return SQLITE_OK;
}

/* ---- the log ---- */

static int log_close(sqlite3_file *f) {
  (void)f; /* the shard closes with its database */
  return SQLITE_OK;
}
static int log_read(sqlite3_file *f, void *to, int amount, sqlite3_int64 at) {
  int rc = volume_may_touch(shard_of(f));
  return rc ? rc : volume_log_read(shard_of(f), to, amount, at);
}
static int log_write(sqlite3_file *f, const void *from, int amount, sqlite3_int64 at) {
  int rc = volume_may_touch(shard_of(f));
  return rc ? rc : volume_log_write(shard_of(f), from, amount, at);
}
static int log_truncate(sqlite3_file *f, sqlite3_int64 size) {
  struct volume_shard *s = shard_of(f);
  int rc = volume_may_touch(s);
  if (rc || size > 0) return rc; /* a limit on its length: the file keeps it, only its valid part shrinks */
  /* walformat 2.1: the next life's salts, aSalt, lie at byte 32 of the index */
  return volume_log_mark(s, volume_log_page_bytes(s->log.header),
                         s->index_regions ? (unsigned char *)s->index[0] + 32 : NULL);
}
static int log_sync(sqlite3_file *f, int flags) {
  int rc = volume_may_touch(shard_of(f));
  (void)flags;
  return rc ? rc : volume_log_sync(shard_of(f));
}
static int log_size(sqlite3_file *f, sqlite3_int64 *size) {
  int rc = volume_may_touch(shard_of(f));
  *size = volume_log_size(&shard_of(f)->log);
  return rc;
}
static int log_control(sqlite3_file *f, int op, void *argument) {
  (void)f, (void)op, (void)argument;
  return SQLITE_NOTFOUND;
}

static const sqlite3_io_methods db_methods = {
    .iVersion = 2, /* 2: a WAL index, 3 would be memory mapping */
    .xClose = db_close,
    .xRead = db_read,
    .xWrite = db_write,
    .xTruncate = db_truncate,
    .xSync = db_sync,
    .xFileSize = db_size,
    .xLock = db_lock,
    .xUnlock = db_unlock,
    .xCheckReservedLock = db_check_reserved,
    .xFileControl = db_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = db_lock,
    .xUnlock = db_unlock,
    .xCheckReservedLock = db_check_reserved,
    .xFileControl = log_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- the VFS ---- */

enum {
  TEMPORARY = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_TRANSIENT_DB |
  SQLITE_OPEN_SUBJOURNAL
};

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags) {
  struct volume_file *file = (struct volume_file *)f;
  int rc;
  (void)v;
  if (flags & TEMPORARY) return parent->xOpen(parent, name, f, flags, out_flags);
  f->pMethods = NULL;
  if (flags &
      SQLITE_OPEN_WAL) { /* named NAME-wal by SQLite; the shard opened its log, NAME-log, with its database */
    file->shard = shard_of(sqlite3_database_file_object(name));
    f->pMethods = &log_methods;
  } else {
    if (!(flags & SQLITE_OPEN_MAIN_DB) || !(flags & SQLITE_OPEN_READWRITE) || !name)
      return SQLITE_CANTOPEN; /* no journals */
    if ((rc = volume_shard_open(name, &file->shard))) return rc;
    f->pMethods = &db_methods;
  }
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

static int ends_with(const char *name, const char *suffix) {
  size_t n = strlen(name), m = strlen(suffix);
  return n > m && !strcmp(name + n - m, suffix);
}
/* A shard is born in WAL mode and stays there: its log exists, a rollback journal never does. */
static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *found) {
  (void)v;
  *found = ends_with(name, "-wal");
  return *found || ends_with(name, "-journal") ? SQLITE_OK : parent->xAccess(parent, name, flags, found);
}
static int vfs_delete(sqlite3_vfs *v, const char *name, int sync_directory) {
  (void)v;
  if (ends_with(name, "-wal") || ends_with(name, "-journal")) return SQLITE_OK;
  return parent->xDelete(parent, name, sync_directory);
}
static int vfs_last_error(sqlite3_vfs *v, int bytes, char *message) {
  (void)v, (void)bytes, (void)message;
  return errno;
}

int volume_vfs_register(void) {
  static sqlite3_vfs vfs;
#if !defined(F_OFD_SETLK)
  return VOLUME_CANTOPEN_NO_LOCKS;
#else
  if (vfs.zName) return SQLITE_OK;
  if (!(parent = sqlite3_vfs_find("unix"))) return SQLITE_ERROR;
  vfs = *parent; /* full path names, randomness, sleep, time: as everywhere else */
  vfs.zName = "volume";
  vfs.pNext = NULL;
  if (vfs.szOsFile < (int)sizeof(struct volume_file)) vfs.szOsFile = (int)sizeof(struct volume_file);
  vfs.xOpen = vfs_open;
  vfs.xAccess = vfs_access;
  vfs.xDelete = vfs_delete;
  vfs.xGetLastError = vfs_last_error;
  return sqlite3_vfs_register(&vfs, 0);
#endif
}
