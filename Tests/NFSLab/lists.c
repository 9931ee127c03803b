#define _GNU_SOURCE
#include "lists.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int execute(struct database *d, const char *sql) {
  return sqlite3_exec(d->db, sql, 0, 0, 0) ? sqlite3_extended_errcode(d->db) : SQLITE_OK;
}

int database_acquire(struct database *d, double wait_seconds) {
  double until = seconds_now() + wait_seconds;
  int rc, tries = 0;
  if (!d->is_volume) return SQLITE_OK;
  while ((rc = sqlite3_file_control(d->db, "main", VOLUME_TRY_ACQUIRE, 0)) == SQLITE_BUSY &&
         seconds_now() < until) {
    int most = tries++ < 4 ? 2000 : 10000;
    usleep((unsigned)(500 + rand() % most));
  }
  return rc;
}
int database_release(struct database *d) {
  return d->is_volume ? sqlite3_file_control(d->db, "main", VOLUME_RELEASE, 0) : SQLITE_OK;
}

static int create(struct database *d) {
  char sql[200];
  int rc;
  snprintf(
      sql, sizeof sql,
      "pragma journal_mode=%s; pragma synchronous=full; pragma wal_autocheckpoint=0; pragma cache_size=2000",
      d->is_volume ? "wal" : d->options->engine);
  if ((rc = execute(d, sql))) return rc;
  if ((rc = execute(d, "begin immediate;"
                       "create table if not exists list(id integer primary key, length int);"
                       "create table if not exists item(list int, seq int, id text, body blob, primary "
                       "key(list, seq)) without rowid;"
                       "create unique index if not exists item_id on item(id)")))
    return rc;
  for (int i = 0; i < d->options->lists; i++) {
    snprintf(sql, sizeof sql, "insert or ignore into list values(%d, 0)", i);
    if ((rc = execute(d, sql))) return rc;
  }
  return execute(d, "commit");
}

static int prepare(struct database *d) {
  struct {
    sqlite3_stmt **to;
    const char *sql;
  } all[] = {
      {&d->begin, "begin immediate"},
      {&d->commit, "commit"},
      {&d->rollback, "rollback"},
      {&d->length, "select length from list where id = ?1"},
      {&d->insert, "insert into item values(?1, ?2, ?3, zeroblob(?4))"},
      {&d->update, "update list set length = ?2 where id = ?1"},
      {&d->find, "select seq from item where id = ?1"},
  };
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    if (sqlite3_prepare_v3(d->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].to, 0))
      return sqlite3_extended_errcode(d->db);
  }
  return SQLITE_OK;
}

int database_open(struct database *d, const struct lists_options *options, int number, double wait_seconds) {
  char path[600];
  int rc;
  memset(d, 0, sizeof *d);
  d->options = options;
  d->number = number;
  d->is_volume = !strcmp(options->engine, "volume");
  snprintf(path, sizeof path, "%s/%d.db", options->directory, number);
  if (sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                      d->is_volume ? "volume" : 0)) {
    return sqlite3_extended_errcode(d->db);
  }
  sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
  if (!d->is_volume) sqlite3_busy_timeout(d->db, (int)(wait_seconds * 1e3));
  if ((rc = database_acquire(d, wait_seconds))) return rc;
  rc = create(d);
  if (rc && !sqlite3_get_autocommit(d->db)) execute(d, "rollback");
  if (!rc) rc = prepare(d);
  int released = database_release(d);
  return rc ? rc : released;
}

void database_close(struct database *d) {
  sqlite3_stmt *all[] = {d->begin, d->commit, d->rollback, d->length, d->insert, d->update, d->find};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
  if (d->is_volume && d->db) database_release(d);
  if (sqlite3_close(d->db)) abort(); /* a statement was forgotten */
  d->db = 0;
  d->begin = d->commit = d->rollback = d->length = d->insert = d->update = d->find = 0;
}

int database_reopen(struct database *d, double wait_seconds) {
  const struct lists_options *options = d->options;
  double until = seconds_now() + wait_seconds;
  int rc, number = d->number;
  do {
    database_close(d);
    if (!(rc = database_open(d, options, number, 5))) return SQLITE_OK;
    usleep(50000);
  } while (seconds_now() < until);
  return rc;
}

int database_checkpoint_if_long(struct database *d) {
  struct volume_status status;
  if (!d->is_volume) return SQLITE_OK;
  sqlite3_file_control(d->db, "main", VOLUME_STATUS, &status);
  if ((int)status.log_frames < d->options->checkpoint_frames) return SQLITE_OK;
  return sqlite3_wal_checkpoint_v2(d->db, "main", SQLITE_CHECKPOINT_TRUNCATE, 0, 0)
             ? sqlite3_extended_errcode(d->db)
             : SQLITE_OK;
}

static int step(struct database *d, sqlite3_stmt *s) {
  int rc = sqlite3_step(s);
  if (rc != SQLITE_DONE && rc != SQLITE_ROW) rc = sqlite3_extended_errcode(d->db);
  sqlite3_reset(s);
  return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int length_of(struct database *d, int list, int *length) {
  int rc;
  sqlite3_bind_int(d->length, 1, list);
  rc = sqlite3_step(d->length);
  if (rc == SQLITE_ROW) *length = sqlite3_column_int(d->length, 0);
  else if (rc != SQLITE_DONE) rc = sqlite3_extended_errcode(d->db);
  sqlite3_reset(d->length);
  return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int database_find(struct database *d, const char *id) {
  int rc, found = 0;
  sqlite3_bind_text(d->find, 1, id, -1, SQLITE_TRANSIENT);
  rc = sqlite3_step(d->find);
  if (rc == SQLITE_ROW) found = sqlite3_column_int(d->find, 0);
  sqlite3_reset(d->find);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? found : -1;
}

int database_read(struct database *d, int list) {
  int length = 0;
  return length_of(d, list, &length) ? -1 : length;
}

struct append_result database_append(struct database *d, int list, const char *id, int items) {
  struct append_result r = {0};
  int length = 0;
  char name[80];
  if ((r.code = step(d, d->begin))) return r;
  r.code = length_of(d, list, &length);
  for (int i = 0; !r.code && i < items; i++) {
    snprintf(name, sizeof name, i ? "%s/%d" : "%s", id, i);
    sqlite3_bind_int(d->insert, 1, list);
    sqlite3_bind_int(d->insert, 2, length + 1 + i);
    sqlite3_bind_text(d->insert, 3, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(d->insert, 4, d->options->body_bytes);
    r.code = step(d, d->insert);
  }
  sqlite3_bind_int(d->update, 1, list);
  sqlite3_bind_int(d->update, 2, length + items);
  if (!r.code) r.code = step(d, d->update);
  if (!r.code) r.code = step(d, d->commit);
  if (r.code && !sqlite3_get_autocommit(d->db)) step(d, d->rollback);
  r.done = !r.code;
  r.sequence = length + 1;
  return r;
}
