#ifndef VOLUME_VFS_H
#define VOLUME_VFS_H

/* The SQLite VFS "volume": one shard (a database in WAL mode) shared by many hosts over NFSv4, one at a time.
**
** A shard is two files: NAME, the database, and NAME-log, its write-ahead log. The log is not called
** NAME-wal, so that ordinary SQLite never finds it; the database's version bytes say 'S', so that ordinary
** SQLite refuses it (fileformat2.html 1.3.3: "If the read version is 3 or greater .. cannot be read or
** written").
**
** The contract with the application (in Stoa: the shard's actor):
**  - Open with sqlite3_open_v2(NAME, READWRITE | CREATE, "volume"); set SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE and
**    sqlite3_wal_autocheckpoint(db, 0); acquire; then PRAGMA synchronous=FULL, cache_spill=off and a generous
**    cache_size.
**  - VOLUME_TRY_ACQUIRE before the first statement of a batch, VOLUME_RELEASE after the last one is reset.
**    Statements outside a hold fail at once (SQLITE_PROTOCOL) and touch nothing.
**  - Bound the log: when volume_status.log_frames passes a limit, sqlite3_wal_checkpoint_v2(..,
**    SQLITE_CHECKPOINT_TRUNCATE) during a hold. Weaker modes copy pages too, but only TRUNCATE empties the
**    log for all hosts.
**  - After an error of a statement look at volume_status.fenced. If it is set, the transaction is *in doubt*
**    (it may be on the volume): close, open again, acquire, and look it up by its id.
** One connection is used by one thread at a time. Two connections of one process to one shard exclude each
** other like two hosts. Locks belong to the open file description: do not fork and go on in the child (exec
** is fine). */

#ifdef __cplusplus
extern "C" {
#endif

/* Registers the VFS "volume", not as the default. Call it before any thread opens a shard; further calls
** do nothing. 0, or VOLUME_CANTOPEN_NO_LOCKS if this platform has no open-file-description locks. */
int volume_vfs_register(void);

/* File controls, for sqlite3_file_control(db, "main", ..). */
enum {
  /* Argument NULL. One try: SQLITE_OK (also when held already), SQLITE_BUSY if another connection or host
  ** holds the shard, else an error. Never waits for a holder; deadline and jitter are the application's. */
  VOLUME_TRY_ACQUIRE = 0x53544101,
  /* Argument NULL. SQLITE_OK; SQLITE_BUSY, and still held, while a statement is open. */
  VOLUME_RELEASE = 0x53544102,
  /* Argument struct volume_status *. Does not call the volume. */
  VOLUME_STATUS = 0x53544103,
  /* Argument NULL. One small read through the locked file: SQLITE_OK proves that the lock still holds,
  ** VOLUME_IOERR_FENCED that it was lost. For a reader that answers from memory and has not heard from the
  ** volume for a good part of a lease. */
  VOLUME_VERIFY = 0x53544104,
  /* Argument NULL, during a hold and after a complete checkpoint: overwrites what lies in the log behind its
  ** header, which may be pages of what was deleted since. SQLITE_BUSY while the log is needed. */
  VOLUME_PURGE = 0x53544105,
};

/* Extended result codes of our own; the low byte is SQLite's. */
enum {
  VOLUME_IOERR_FENCED = 10 | 83 << 8,      /* EIO, ESTALE, ENOLCK; every call once the shard is fenced */
  VOLUME_IOERR_NOT_HELD = 10 | 84 << 8,    /* input or output outside a hold: a bug of the caller */
  VOLUME_CANTOPEN_NO_LOCKS = 14 | 83 << 8, /* no open-file-description locks: use engine "portable" */
  VOLUME_NOTADB_FOREIGN = 26 | 83 << 8,    /* the file was not made by this VFS */
};

struct volume_status {
  int held;          /* we hold the shard */
  int fenced;        /* every further call is refused: close and open again */
  int changed_hands; /* another host or process wrote between our previous hold and this one (or the last) */
  int last_errno, last_code; /* what fenced it: errno, and the SQLite code of the call that failed */
  unsigned log_frames; /* frames in the log as far as SQLite has read it: what a checkpoint would copy */
  long long log_bytes; /* length of the log's valid part */
  long long memory_bytes;   /* heap held for this shard: mirror, write buffer, index */
  long long contact_age_ms; /* since the volume last answered; counts the time asleep (CLOCK_BOOTTIME) */
  struct volume_counts {    /* system calls since the shard was opened: a prediction of NFS calls off NFS */
    unsigned long long locks, unlocks, reads, writes, syncs, stats, truncates, written_bytes, read_bytes;
  } counts;
};

/* The seam for fault injection: every call that this VFS makes on a shard's files. NULL restores the real
** ones. */
struct stat;
struct volume_calls {
  int (*open)(const char *path, int flags, int mode);
  int (*close)(int fd);
  int (*lock)(int fd, int type, long long at, long long length); /* F_RDLCK, F_WRLCK, F_UNLCK; EAGAIN: held */
  long (*pread)(int fd, void *to, unsigned long amount, long long at);
  long (*pwrite)(int fd, const void *from, unsigned long amount, long long at);
  int (*sync)(int fd);
  int (*truncate)(int fd, long long size);
  int (*stat)(int fd, struct stat *to);
  int (*is_network)(int fd); /* 1 on NFS: the log is then read and written past the client's page cache */
};
void volume_set_calls(const struct volume_calls *calls);
struct volume_calls volume_real_calls(void);

#ifdef __cplusplus
}
#endif
#endif
