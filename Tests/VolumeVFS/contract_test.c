/* The contract of volume_vfs.h, on one host: holds, refusals, hand-over, the log's bound, ordinary SQLite
** kept away. */
#define _GNU_SOURCE
#include "harness.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void truncate_log(sqlite3 *db) {
  EXPECT(sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, 0, 0) == SQLITE_OK, "%s",
         sqlite3_errmsg(db));
}
static long long size_of(const char *name) {
  struct stat st;
  return stat(in_folder(name), &st) ? -1 : (long long)st.st_size;
}

static void statements_outside_a_hold_fail_at_once(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  double begin = now();
  EXPECT(run_sql(db, "create table t(x)") == SQLITE_PROTOCOL);
  hold(db);
  EXPECT(!run_sql(db, "create table t(x); insert into t values(1)"));
  EXPECT(!strcmp(text(db, "pragma journal_mode"), "wal"));
  EXPECT(!release(db));
  EXPECT(run_sql(db, "insert into t values(2)") == SQLITE_PROTOCOL && number(db, "select x from t") == -1);
  EXPECT(now() - begin < 1, "SQLite must not try again for seconds");
  hold(db), hold(db);
  EXPECT(number(db, "select sum(x) from t") == 1);
  EXPECT(!release(db) && !release(db) && !sqlite3_close(db));
}

static void a_hold_is_not_given_up_under_a_statement(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  sqlite3_stmt *s;
  hold(db);
  EXPECT(!run_sql(db, "create table t(x); insert into t values(1),(2)"));
  EXPECT(!sqlite3_prepare_v2(db, "select x from t", -1, &s, 0) && sqlite3_step(s) == SQLITE_ROW);
  EXPECT(release(db) == SQLITE_BUSY && status_of(db).held);
  EXPECT(!sqlite3_reset(s) && !release(db) && !status_of(db).held);
  EXPECT(!sqlite3_finalize(s) && !sqlite3_close(db));
}

static void two_connections_exclude_each_other_and_see_each_other(void) {
  sqlite3 *a = shard_open(in_folder("a")), *b = shard_open(in_folder("a"));
  hold(a);
  EXPECT(!run_sql(a, "create table t(x)"));
  EXPECT(acquire(b) == SQLITE_BUSY && !status_of(b).held);
  EXPECT(!release(a));
  for (int i = 0; i < 200; i++) {
    sqlite3 *one = i % 2 ? a : b;
    char sql[100];
    hold(one);
    EXPECT(status_of(one).changed_hands == (i > 0), "in turn %d", i);
    EXPECT(number(one, "select count(*) from t") == i);
    snprintf(sql, sizeof sql, "insert into t values(%d)", i);
    EXPECT(!run_sql(one, sql));
    if (i % 17 == 3) truncate_log(one);
    EXPECT(!release(one));
  }
  hold(a);
  EXPECT(!release(a));
  hold(a);
  EXPECT(!status_of(a).changed_hands);
  EXPECT(!strcmp(text(a, "pragma integrity_check"), "ok"));
  EXPECT(!sqlite3_close(a) && !sqlite3_close(b));
}

/* Two connections that both checkpoint once restart their logs from the same count: their salts must still
** differ. */
static void no_two_lives_of_a_log_share_their_header(void) {
  sqlite3 *db[3];
  unsigned char seen[300][32];
  for (int k = 0; k < 3; k++) db[k] = shard_open(in_folder("a"));
  for (int i = 0; i < 300; i++) {
    sqlite3 *one = db[i % 3];
    FILE *f;
    hold(one);
    EXPECT(!run_sql(one, "create table if not exists t(x); insert into t values(zeroblob(3000))"));
    truncate_log(one);
    EXPECT(!release(one));
    EXPECT((f = fopen(in_folder("a-log"), "r")) && fread(seen[i], 32, 1, f) == 1 && !fclose(f));
    for (int j = 0; j < i; j++) EXPECT(memcmp(seen[i] + 16, seen[j] + 16, 8), "but %d and %d do", i, j);
  }
  for (int k = 0; k < 3; k++) EXPECT(!sqlite3_close(db[k]));
}

static void many_processes_may_open_a_new_shard_at_once(void) {
  enum { PROCESSES = 8, ROWS = 20 };
  for (int k = 0; k < PROCESSES; k++) {
    if (fork()) continue;
    sqlite3 *db = shard_open(in_folder("a"));
    for (int i = 0; i < ROWS; i++) {
      while (acquire(db) == SQLITE_BUSY) usleep(200);
      if (run_sql(db, "create table if not exists t(x); insert into t values(1)")) _exit(1);
      if (release(db)) _exit(2);
    }
    _exit(0);
  }
  for (int k = 0; k < PROCESSES; k++) {
    int how;
    EXPECT(wait(&how) > 0 && how == 0);
  }
  sqlite3 *db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(number(db, "select count(*) from t") == PROCESSES * ROWS);
  EXPECT(!sqlite3_close(db));
}

static void the_log_stays_within_its_bound_and_keeps_its_file(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  long long longest = 0;
  hold(db);
  EXPECT(!run_sql(db, "create table t(x)"));
  for (int i = 0; i < 2000; i++) {
    EXPECT(!run_sql(db, "insert into t values(zeroblob(500))"));
    if (size_of("a-log") > longest) longest = size_of("a-log");
    if (status_of(db).log_frames < 100) continue;
    truncate_log(db);
    EXPECT(status_of(db).log_frames == 0);
  }
  EXPECT(longest <= 768 << 10, "but %lld", longest);
  EXPECT(status_of(db).memory_bytes < 2 << 20, "but %lld", status_of(db).memory_bytes);
  EXPECT(!release(db) && !sqlite3_close(db));
  EXPECT(size_of("a-log") == longest && size_of("a-wal") == -1 && size_of("a-shm") == -1 &&
         size_of("a-journal") == -1);
}

static void a_commit_is_one_write_and_a_hot_read_none(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(!run_sql(db, "create table t(x); insert into t values(1)"));
  truncate_log(db);
  struct volume_counts before = status_of(db).counts;
  for (int i = 0; i < 10; i++)
    EXPECT(!run_sql(db, "insert into t values(zeroblob(9000))")); /* several frames each */
  struct volume_counts after = status_of(db).counts;
  EXPECT(after.writes - before.writes == 10 && after.syncs - before.syncs == 10, "but %llu",
         after.writes - before.writes);
  EXPECT(after.reads == before.reads && after.locks == before.locks && after.stats == before.stats);
  EXPECT(number(db, "select count(*) from t") == 11 && status_of(db).counts.reads == before.reads);
  EXPECT(!sqlite3_close(db));
}

static void a_transaction_larger_than_the_mirror_commits_and_recovers(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(!run_sql(db, "pragma cache_size=50; create table t(x)"));
  EXPECT(!run_sql(db, "insert into t with recursive n(i) as (select 1 union all select i+1 from n where "
                      "i<6000) select randomblob(3500) from n"));
  EXPECT(!run_sql(
      db,
      "begin; insert into t select randomblob(3500) from t limit 3000; rollback; insert into t values(1)"));
  long long sum = number(db, "select sum(length(x)) from t");
  EXPECT(!strcmp(text(db, "pragma integrity_check"), "ok"));
  EXPECT(!release(db) && !sqlite3_close(db));
  db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(number(db, "select sum(length(x)) from t") == sum &&
         !strcmp(text(db, "pragma integrity_check"), "ok"));
  EXPECT(!run_sql(db, "delete from t where rowid % 3; vacuum"));
  truncate_log(db);
  EXPECT(!strcmp(text(db, "pragma integrity_check"), "ok") && number(db, "select count(*) from t") == 2000);
  EXPECT(!sqlite3_close(db));
}

static void settings_that_break_the_contract_are_refused(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(!run_sql(
      db, "create table t(x); pragma journal_mode=wal; pragma locking_mode=normal; pragma journal_mode"));
  EXPECT(run_sql(db, "pragma journal_mode=delete") && run_sql(db, "pragma locking_mode=exclusive"));
  EXPECT(!run_sql(db, "insert into t values(1)") && !sqlite3_close(db));
}

static void ordinary_sqlite_is_refused_and_changes_nothing(void) {
  sqlite3 *db = shard_open(in_folder("a")), *stock, *other;
  hold(db);
  EXPECT(!run_sql(db, "create table t(x); insert into t values(7)"));
  for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
    EXPECT(!sqlite3_open(in_folder("a"), &stock));
    EXPECT((run_sql(stock, "select * from t") & 255) == SQLITE_NOTADB);
    EXPECT(run_sql(stock, "create table u(x)") && run_sql(stock, "pragma journal_mode=delete") &&
           run_sql(stock, "vacuum"));
    sqlite3_close(stock);
    char shell[600];
    snprintf(shell, sizeof shell, "sqlite3 '%s' 'create table u(x)' 2>&1 | grep -q 'not a database'",
             in_folder("a"));
    EXPECT(system("command -v sqlite3 >/dev/null") || !system(shell));
    truncate_log(db);
  }
  EXPECT(size_of("a-wal") == -1 && size_of("a-shm") == -1 && size_of("a-journal") == -1);
  EXPECT(!release(db) && !sqlite3_close(db));
  EXPECT(!sqlite3_open(in_folder("a"), &stock)); /* also when no task is alive */
  EXPECT((run_sql(stock, "insert into t values(8)") & 255) == SQLITE_NOTADB && !sqlite3_close(stock));

  /* Even if it took the file for its own (an empty one, opened before the shard's birth), presence keeps
  ** it from writing. */
  EXPECT(!sqlite3_open(in_folder("b"), &stock) && !run_sql(stock, "pragma user_version"));
  db = shard_open(in_folder("b"));
  EXPECT(run_sql(stock, "create table u(x)") == SQLITE_BUSY);
  hold(db);
  EXPECT(!run_sql(db, "create table t(x)"));
  EXPECT(!sqlite3_close(stock) && !sqlite3_close(db));

  EXPECT(!sqlite3_open(in_folder("c"), &other) && !run_sql(other, "create table u(x)") &&
         !sqlite3_close(other));
  db = shard_open(in_folder("c"));
  EXPECT(acquire(db) == VOLUME_NOTADB_FOREIGN && !status_of(db).held && !sqlite3_close(db));
  EXPECT(!sqlite3_open(in_folder("c"), &other) && !run_sql(other, "insert into u values(1)") &&
         !sqlite3_close(other));
}

static void export_gives_an_ordinary_database(void) {
  sqlite3 *db = shard_open(in_folder("a")), *stock;
  char sql[400];
  hold(db);
  EXPECT(!run_sql(db, "create table t(x); insert into t values(7)"));
  snprintf(sql, sizeof sql, "vacuum into 'file:%s?vfs=unix'", in_folder("out"));
  EXPECT(!run_sql(db, sql), "%s", sqlite3_errmsg(db));
  EXPECT(!sqlite3_open(in_folder("out"), &stock) && number(stock, "select x from t") == 7 &&
         !run_sql(stock, "insert into t values(1)"));
  EXPECT(!sqlite3_close(stock) && !sqlite3_close(db));
}

static void a_lost_log_header_is_noticed_by_verify(void) {
  sqlite3 *db = shard_open(in_folder("a"));
  hold(db);
  EXPECT(!run_sql(db, "create table t(x)") &&
         sqlite3_file_control(db, "main", VOLUME_VERIFY, 0) == SQLITE_OK);
  int fd = open(in_folder("a-log"), O_RDWR);
  EXPECT(pwrite(fd, "another host's header", 20, 0) == 20 && !close(fd));
  EXPECT(sqlite3_file_control(db, "main", VOLUME_VERIFY, 0) == VOLUME_IOERR_FENCED);
  EXPECT(status_of(db).fenced && run_sql(db, "insert into t values(1)") &&
         acquire(db) == VOLUME_IOERR_FENCED);
  EXPECT(!sqlite3_close(db));
}

static int no_locks(int fd, int type, long long at, long long length) {
  (void)fd, (void)type, (void)at, (void)length;
  errno = EINVAL;
  return -1;
}
static void a_file_system_without_these_locks_is_named(void) {
  struct volume_calls calls = volume_real_calls();
  sqlite3 *db;
  calls.lock = no_locks;
  volume_set_calls(&calls);
  EXPECT(sqlite3_open_v2(in_folder("a"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "volume"));
  EXPECT(sqlite3_extended_errcode(db) == VOLUME_CANTOPEN_NO_LOCKS && sqlite3_system_errno(db) == EINVAL);
  sqlite3_close(db);
  volume_set_calls(NULL);
}

static void a_foreign_or_damaged_log_is_refused_and_left_alone(void) {
  char content[100] = {0};
  FILE *f = fopen(in_folder("a-log"), "w");
  sqlite3 *db = shard_open(in_folder("a"));
  EXPECT(f && fputs("somebody's log file, not a write-ahead log at all\n", f) > 0 && !fclose(f));
  EXPECT(acquire(db) == VOLUME_NOTADB_FOREIGN && !sqlite3_close(db));
  EXPECT((f = fopen(in_folder("a-log"), "r")) && fgets(content, sizeof content, f) && !fclose(f));
  EXPECT(!strncmp(content, "somebody's", 10));
}

int main(void) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      {"statements outside a hold fail at once", statements_outside_a_hold_fail_at_once},
      {"a hold is not given up under an open statement", a_hold_is_not_given_up_under_a_statement},
      {"two connections exclude each other and see each other's commits",
       two_connections_exclude_each_other_and_see_each_other},
      {"no two lives of a log share their header", no_two_lives_of_a_log_share_their_header},
      {"many processes may open a new shard at once", many_processes_may_open_a_new_shard_at_once},
      {"the log stays within its bound and keeps its file",
       the_log_stays_within_its_bound_and_keeps_its_file},
      {"a commit is one write and a hot read none", a_commit_is_one_write_and_a_hot_read_none},
      {"a transaction larger than the mirror commits and recovers",
       a_transaction_larger_than_the_mirror_commits_and_recovers},
      {"settings that break the contract are refused", settings_that_break_the_contract_are_refused},
      {"ordinary SQLite is refused and changes nothing", ordinary_sqlite_is_refused_and_changes_nothing},
      {"an export is an ordinary database", export_gives_an_ordinary_database},
      {"a file system without these locks is named", a_file_system_without_these_locks_is_named},
    {"a foreign or damaged log is refused and left alone",
     a_foreign_or_damaged_log_is_refused_and_left_alone},
    {"a lost log header is noticed by verify", a_lost_log_header_is_noticed_by_verify},
  };
  start();
  for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
    empty_folder();
    tests[i].run();
    printf("ok: %s\n", tests[i].name);
  }
  return 0;
}
