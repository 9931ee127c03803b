#define _GNU_SOURCE
#include "harness.h"
#include <unistd.h>

static char root[200];
static pid_t owner;
static void remove_folder(void) {
  char command[300];
  if (owner != getpid()) return;
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  if (system(command)) puts("the test's folder could not be removed");
}
const char *folder(void) {
  if (!*root) {
    const char *base = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/volume-vfs.XXXXXX", base ? base : "/tmp");
    EXPECT(mkdtemp(root));
    owner = getpid();
    atexit(remove_folder);
  }
  return root;
}
void empty_folder(void) {
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%s'/*", folder());
  EXPECT(!system(command));
}
char *in_folder(const char *name) {
  static char paths[4][300];
  static int next;
  char *path = paths[next++ & 3];
  snprintf(path, sizeof paths[0], "%s/%s", folder(), name);
  return path;
}
void start(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  EXPECT(volume_vfs_register() == SQLITE_OK);
}
sqlite3 *shard_open(const char *path) {
  sqlite3 *db = 0;
  int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, "volume");
  if (rc) {
    sqlite3_close(db);
    return 0;
  }
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
  sqlite3_wal_autocheckpoint(db, 0);
  return db;
}
int acquire(sqlite3 *db) { return sqlite3_file_control(db, "main", VOLUME_TRY_ACQUIRE, 0); }
void hold(sqlite3 *db) {
  int rc = acquire(db);
  EXPECT(rc == SQLITE_OK, "but %d", rc);
}
int release(sqlite3 *db) { return sqlite3_file_control(db, "main", VOLUME_RELEASE, 0); }
int run_sql(sqlite3 *db, const char *sql) {
  return sqlite3_exec(db, sql, 0, 0, 0) ? sqlite3_extended_errcode(db) : SQLITE_OK;
}
long long number(sqlite3 *db, const char *sql) {
  sqlite3_stmt *s = 0;
  long long n = -1;
  if (sqlite3_prepare_v2(db, sql, -1, &s, 0) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
    n = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return n;
}
const char *text(sqlite3 *db, const char *sql) {
  static char value[300];
  sqlite3_stmt *s = 0;
  snprintf(value, sizeof value, "%s", "nothing");
  if (sqlite3_prepare_v2(db, sql, -1, &s, 0) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
    snprintf(value, sizeof value, "%s", (const char *)sqlite3_column_text(s, 0));
  }
  sqlite3_finalize(s);
  return value;
}
struct volume_status status_of(sqlite3 *db) {
  struct volume_status s;
  EXPECT(sqlite3_file_control(db, "main", VOLUME_STATUS, &s) == SQLITE_OK);
  return s;
}
