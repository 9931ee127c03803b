#include "workload.h"

static int transaction(sqlite3 *db, int k) {
  char sql[400];
  int rc = run_sql(db, "begin immediate; create table if not exists t(k int, i int, body blob, primary "
                       "key(k, i)) without rowid");
  for (int i = 0; !rc && i <= k % 3; i++) {
    snprintf(sql, sizeof sql, "insert into t values(%d, %d, zeroblob(%d))", k, i, k % 4 == 3 ? 9000 : 700);
    rc = run_sql(db, sql);
  }
  if (!rc) rc = run_sql(db, "commit");
  if (rc && !sqlite3_get_autocommit(db)) run_sql(db, "rollback");
  return rc;
}

int workload(const char *path, sqlite3 **db, volatile int *acknowledged, volatile int *attempted) {
  int rc = 0;
  *db = shard_open(path);
  if (!*db) return SQLITE_CANTOPEN;
  for (int k = 1; k <= TRANSACTIONS; k++) {
    if ((rc = acquire(*db))) return rc;
    *attempted = k;
    if ((rc = transaction(*db, k))) return rc;
    *acknowledged = k;
    if (k == 5 || k == 9) {
      rc = sqlite3_wal_checkpoint_v2(*db, "main",
                                     k == 5 ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, 0, 0);
      if (rc) return sqlite3_extended_errcode(*db);
    }
    if (k % 2 && (rc = release(*db))) return rc;
  }
  return release(*db);
}

void verify(const char *path, int acknowledged, int attempted) {
  sqlite3 *db = shard_open(path);
  char sql[200];
  EXPECT(db);
  hold(db);
  int born = number(db, "select count(*) from sqlite_schema") > 0;
  EXPECT(born || acknowledged == 0, "acknowledged %d", acknowledged);
  for (int k = 1; born && k <= TRANSACTIONS; k++) {
    snprintf(sql, sizeof sql, "select count(*) from t where k = %d", k);
    long long rows = number(db, sql);
    int whole = rows == k % 3 + 1;
    EXPECT(k > acknowledged || whole, "acknowledged %d, attempted %d: %d has %lld rows", acknowledged,
           attempted, k, rows);
    EXPECT(k <= attempted || rows == 0, "acknowledged %d, attempted %d: %d has %lld rows", acknowledged,
           attempted, k, rows);
    EXPECT(whole || rows == 0, "transaction %d has %lld rows", k, rows);
  }
  EXPECT(!strcmp(text(db, "pragma integrity_check"), "ok"), "but %s", text(db, "pragma integrity_check"));
  EXPECT(!run_sql(db, "create table if not exists after(x); insert into after values(1)"), "%s",
         sqlite3_errmsg(db));
  EXPECT(!release(db) && !sqlite3_close(db));
}
