/* Appends to shared lists from several hosts, writes down every acknowledgement, checks them afterwards.
**   torture run ENGINE DIR SECONDS HOST ACKS [databases lists bytes checkpoint-frames]
**   torture check ENGINE DIR ACKS...      exit 1 if a promise was broken
** An acknowledgement is a line "database list sequence id", written (unbuffered) when the commit was
** answered. */
#define _GNU_SOURCE
#include "lists.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct lists_options options = {
    .databases = 2, .lists = 20, .body_bytes = 900, .checkpoint_frames = 500};
enum { DATABASES_MAX = 64, CODES_MAX = 32 };
static const double wait_seconds = 30;
static double hold_seconds = 0.05; /* TORTURE_HOLD_SECONDS: a host that never lets go */

static struct {
  int code, times;
} codes[CODES_MAX];
static void count_code(int code) {
  for (int i = 0; i < CODES_MAX; i++) {
    if (codes[i].times && codes[i].code != code) continue;
    codes[i].code = code, codes[i].times++;
    return;
  }
}

/* After an error: is it there? Ordinary SQLite is asked on the same connection, `volume` is opened anew. */
static int resolve(struct database *d, const char *id, int *sequence) {
  int found = -1;
  for (double until = seconds_now() + 60; found < 0 && seconds_now() < until; usleep(20000)) {
    if (d->is_volume && database_reopen(d, 60)) continue;
    if (database_acquire(d, wait_seconds)) continue;
    found = database_find(d, id);
    if (found < 0) continue;
    break;
  }
  *sequence = found;
  return found;
}

static int run(int argc, char **argv) {
  static struct database all[DATABASES_MAX];
  double begin = seconds_now(), until = begin + atof(argv[4]), longest = 0, fenced_at = 0, back = 0;
  const char *host = argv[5];
  if (getenv("TORTURE_HOLD_SECONDS")) hold_seconds = atof(getenv("TORTURE_HOLD_SECONDS"));
  FILE *acks = fopen(argv[6], "a");
  int done = 0, failed = 0, doubted = 0, fenced = 0, number = 0, rc;
  int *sizes[] = {&options.databases, &options.lists, &options.body_bytes, &options.checkpoint_frames};
  for (int i = 7; i < argc && i < 11; i++) *sizes[i - 7] = atoi(argv[i]);
  if (!acks || options.databases > DATABASES_MAX) return 2;
  setvbuf(acks, 0, _IONBF, 0);
  srand((unsigned)(time(0) ^ getpid()));
  for (int k = 0; k < options.databases; k++) {
    if ((rc = database_open(&all[k], &options, k, wait_seconds)) && (rc = database_reopen(&all[k], 60))) {
      printf("%s: cannot open %d: %d\n", host, k, rc);
      return 2;
    }
  }
  while (seconds_now() < until) {
    struct database *d = &all[rand() % options.databases];
    double start = seconds_now(), waited;
    if ((rc = database_acquire(d, wait_seconds))) {
      count_code(rc), failed++;
      if (rc != SQLITE_BUSY) fenced++, fenced_at = seconds_now(), database_reopen(d, 60);
      continue;
    }
    waited = seconds_now() - start;
    if (waited > longest) longest = waited;
    for (double hold = seconds_now() + hold_seconds; seconds_now() < hold && seconds_now() < until;) {
      char id[64];
      int list = rand() % options.lists, sequence;
      snprintf(id, sizeof id, "%s-%d-%d", host, getpid(), ++number);
      start = seconds_now();
      struct append_result r = database_append(d, list, id, 1);
      sequence = r.sequence;
      if (!r.done) {
        count_code(r.code), fenced++, fenced_at = seconds_now();
        r.done = resolve(d, id, &sequence) > 0;
        if (r.done) doubted++;
        else failed++;
      }
      if (r.done) fprintf(acks, "%d %d %d %s\n", d->number, list, sequence, id), done++;
      if (r.done && fenced_at > 0) back = seconds_now() - fenced_at, fenced_at = 0;
      if (seconds_now() - start > longest) longest = seconds_now() - start;
      if (r.code || database_checkpoint_if_long(d)) break;
    }
    if ((rc = database_checkpoint_if_long(d)) || (rc = database_release(d))) {
      count_code(rc), fenced++;
      database_reopen(d, 60);
    }
    usleep((unsigned)(rand() % 3000));
  }
  printf("%s %s: %d appended, %d failed, %d errors that had been committed, %d errors in all, longest %.0f "
         "ms, last recovery %.0f ms, codes",
         host, options.engine, done, failed, doubted, fenced, longest * 1e3, back * 1e3);
  for (int i = 0; i < CODES_MAX && codes[i].times; i++) printf(" %d:%d", codes[i].code, codes[i].times);
  puts("");
  fflush(stdout);
  _exit(0); /* as a killed process leaves it: nothing is closed */
}

static int query(sqlite3 *db, const char *sql, char *text, size_t size) {
  sqlite3_stmt *s = 0;
  int n = -1;
  if (sqlite3_prepare_v2(db, sql, -1, &s, 0) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
    n = sqlite3_column_int(s, 0);
    if (text) snprintf(text, size, "%s", (const char *)sqlite3_column_text(s, 0));
  } else if (text) {
    snprintf(text, size, "%s", sqlite3_errmsg(db));
  }
  sqlite3_finalize(s);
  return n;
}

static int check(int argc, char **argv) {
  int acknowledged = 0, lost = 0, misplaced = 0, bad = 0, items = 0, databases = 0;
  static struct database all[DATABASES_MAX];
  char path[600], text[300], id[64];
  for (;; databases++) {
    snprintf(path, sizeof path, "%s/%d.db", options.directory, databases);
    if (access(path, F_OK) || databases == DATABASES_MAX) break;
    struct database *d = &all[databases];
    if (database_open(d, &options, databases, 60) || database_acquire(d, 60)) {
      printf("database %d: cannot be opened: %s\n", databases, sqlite3_errmsg(d->db));
      return 1;
    }
    query(d->db, "pragma integrity_check(3)", text, sizeof text);
    if (strcmp(text, "ok")) bad++, printf("database %d: %s\n", databases, text);
    if (query(
            d->db,
            "select count(*) from list l where l.length != (select count(*) from item i where i.list = l.id)"
            " or l.length != (select coalesce(max(seq), 0) from item i where i.list = l.id)",
            0, 0)) {
      bad++, printf("database %d: a list has gaps\n", databases);
    }
    items += query(d->db, "select count(*) from item", 0, 0);
  }
  for (int i = 4; i < argc; i++) {
    FILE *acks = fopen(argv[i], "r");
    int k, list, sequence, found;
    while (acks && fscanf(acks, "%d %d %d %63s", &k, &list, &sequence, id) == 4) {
      acknowledged++;
      found = database_find(&all[k], id);
      if (found <= 0) lost++, printf("lost: %s in database %d\n", id, k);
      else if (found != sequence) misplaced++;
    }
    if (acks) fclose(acks);
  }
  for (int k = 0; k < databases; k++) database_close(&all[k]);
  printf("%s: %d databases, %d items, acknowledged %d, lost %d, misplaced %d, unsound %d\n", options.engine,
         databases, items, acknowledged, lost, misplaced, bad);
  return lost || misplaced || bad;
}

int main(int argc, char **argv) {
  if (argc < 4 || volume_vfs_register()) return 2;
  options.engine = argv[2];
  options.directory = argv[3];
  if (!strcmp(argv[1], "run") && argc >= 7) return run(argc, argv);
  return strcmp(argv[1], "check") ? 2 : check(argc, argv);
}
