/* Append-only lists in shared databases, over the volume VFS or a journal mode of ordinary SQLite: what
** the laboratory's programs write, and the one way in which they treat errors. */
#ifndef LISTS_H
#define LISTS_H
#include "volume_vfs.h"
#include <sqlite3.h>

struct lists_options {
  const char *directory;
  const char *engine;    /* "volume", or a journal mode of ordinary SQLite: delete, truncate, persist */
  int databases, lists;  /* how many */
  int body_bytes;        /* of an item */
  int checkpoint_frames; /* volume: checkpoint when the log is longer */
};

struct database {
  sqlite3 *db;
  sqlite3_stmt *begin, *commit, *rollback, *length, *insert, *update, *find;
  const struct lists_options *options;
  int number, is_volume;
};

struct append_result {
  int done;    /* the item is on the volume */
  int doubted; /* the commit (or what came before) reported an error, and the item was there all the same */
  int code;    /* the last error, extended; 0 if there was none */
  int sequence;
};

double seconds_now(void);
/* Opens and prepares; for `volume` acquires (waiting up to `wait_seconds`), creates the tables, and
** releases. 0 or an error code. */
int database_open(struct database *d, const struct lists_options *options, int number, double wait_seconds);
void database_close(struct database *d);
/* volume: waits with jitter. Ordinary SQLite: nothing. */
int database_acquire(struct database *d, double wait_seconds);
int database_release(struct database *d);
int database_checkpoint_if_long(struct database *d);
/* One transaction: item (list, length + 1, id) and the list's new length. Nothing is retried. */
struct append_result database_append(struct database *d, int list, const char *id, int items);
/* Sequence of the item with this id, 0 if there is none, -1 on error. */
int database_find(struct database *d, const char *id);
/* A read as a page makes one: the length of a list and its last item. -1 on error. */
int database_read(struct database *d, int list);
/* Closes and opens again after an error; tries until `wait_seconds` have passed. */
int database_reopen(struct database *d, double wait_seconds);
#endif
