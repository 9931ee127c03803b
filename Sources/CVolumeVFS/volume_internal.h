#ifndef VOLUME_INTERNAL_H
#define VOLUME_INTERNAL_H

#include "volume_vfs.h"
#include <sqlite3.h>
#include <stddef.h>
#include <sys/types.h>

enum {
  WAL_MAGIC = 0x377f0682, /* walformat 3: checksums over little-endian words */
  WAL_VERSION = 3007000,
  WAL_PAGE_BYTES = 4096, /* of a shard born here */
  WAL_HEADER_BYTES = 32, /* walformat: header, then frames of 24 bytes + one page */
  FRAME_HEADER_BYTES = 24,
  INDEX_HEADER_BYTES = 136, /* walformat 2.1: two copies of the header, then the checkpoint info */
  INDEX_REGION_BYTES = 32768,
  INDEX_REGIONS_MAX = 8192,    /* 33 million frames */
  TAIL_BYTES = 64 << 10,       /* what an acquire reads to see what others appended: 15 frames of 4 KiB */
  CHUNK_BYTES = 1 << 20,       /* one WRITE or READ of NFS: EFS and Linux allow 1 MiB (rsize, wsize) */
  MIRROR_BYTES_MAX = 16 << 20, /* a longer log is read from the file */
  PREALLOCATE_BYTES = 256 << 10,
};

/* The log as this process knows it. */
struct volume_log {
  int fd;
  unsigned char header[WAL_HEADER_BYTES]; /* the first bytes of the file on the volume */
  int header_known;                       /* 0 until read or written once */
  unsigned char *mirror;                  /* copy of the file's first `valid` bytes, pending ones included */
  size_t mirror_size;
  off_t valid, end;      /* end: where the valid frames end, 0 if the log is empty */
  unsigned char *window; /* CHUNK_BYTES read ahead from window_at, for a log longer than the mirror */
  off_t window_at, window_end;
  unsigned char *pending; /* written by SQLite, not yet by us: one contiguous range */
  size_t pending_size, pending_length;
  off_t pending_at;
  off_t allocated; /* the file is at least this long */
  int unsynced;
  off_t flushed_end,
      synced_end; /* where the last write of this transaction ended; the same at its last sync */
  int unused;     /* no frame in the file carries the salts of the header on the volume */
};

struct volume_shard {
  int db;
  struct volume_log log;
  void **index; /* the WAL index: private heap, in regions as xShmMap wants them */
  int index_regions;
  unsigned shm_shared, shm_exclusive; /* SQLite's locks on it, a bit each: is a statement open? */
  int held, fenced, verified, changed_hands;
  int last_errno, last_code;
  long long contact_ms;
  struct volume_counts counts;
  char *directory;
};

extern struct volume_calls volume_sys;

/* volume_shard.c */
int volume_shard_open(const char *path, struct volume_shard **to);
void volume_shard_close(struct volume_shard *s);
int volume_shard_acquire(struct volume_shard *s);
int volume_shard_release(struct volume_shard *s);
int volume_shard_verify(struct volume_shard *s);
void volume_shard_status(struct volume_shard *s, struct volume_status *to);
void volume_shard_end_write(struct volume_shard *s);
/* Marks the shard fenced because a call failed with `errno`, and says what SQLite shall hear. */
int volume_fence(struct volume_shard *s, int code);
/* SQLITE_OK while input and output are allowed. */
int volume_may_touch(const struct volume_shard *s);
/* Whole transfers. Bytes read (fewer: the file ends there) or -1; 0 or -1. */
long volume_read(struct volume_shard *s, int fd, void *to, size_t amount, off_t at);
int volume_write(struct volume_shard *s, int fd, const void *from, size_t amount, off_t at);
int volume_sync(struct volume_shard *s, int fd);

/* volume_log.c */
enum volume_change { VOLUME_SAME, VOLUME_APPENDED, VOLUME_RESTARTED };
int volume_log_refresh(struct volume_shard *s, off_t known_end, enum volume_change *change);
int volume_log_mark(struct volume_shard *s, unsigned page_bytes, const unsigned char salts[8]);
int volume_log_purge(struct volume_shard *s);
off_t volume_log_size(const struct volume_log *log);
int volume_log_read(struct volume_shard *s, void *to, int amount, off_t at);
int volume_log_write(struct volume_shard *s, const void *from, int amount, off_t at);
int volume_log_flush(struct volume_shard *s);
int volume_log_sync(struct volume_shard *s);
void volume_log_drop_pending(struct volume_shard *s, off_t committed_end);
void volume_log_free(struct volume_log *log);
unsigned volume_log_page_bytes(const unsigned char header[WAL_HEADER_BYTES]);

/* volume_page1.c */
enum { PAGE1_BYTES = 4096 };
void volume_page1_birth(unsigned char page[PAGE1_BYTES]);
int volume_page1_is_ours(const unsigned char header[100]);
void volume_page1_present(unsigned char *buffer, int amount, off_t at); /* as SQLite shall see it */
int volume_page1_is_touched(int amount, off_t at);
void volume_page1_disguise(unsigned char *buffer, int amount, off_t at); /* as the volume shall hold it */

#endif
