/* What SQLite's own multi-process tests do (mptest: multiwrite01, crash01), over this VFS and across hosts:
** many processes in one database, each with tables of its own, every statement a hold of its own, so that
** the others come in between; and processes that die in the middle of a transaction.
**   many_processes run DATABASE CLIENT ROUNDS
**   many_processes check DATABASE CLIENTS ROUNDS */
#define _GNU_SOURCE
#include "harness.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 128, WAIT_SECONDS_MAX = 60 };
static const char *database;
static int client;

/* Waits for the shard as long as anybody may have to: a killed holder of another host needs its lease. */
static void wait_for(sqlite3 *db) {
  time_t until = time(0) + WAIT_SECONDS_MAX;
  int rc;
  while ((rc = acquire(db)) == SQLITE_BUSY && time(0) < until) usleep(500 + (unsigned)rand() % 4000);
  EXPECT(rc == SQLITE_OK, "but %d", rc);
}

static sqlite3 *opened(void) {
  sqlite3 *db = shard_open(database);
  EXPECT(db);
  wait_for(db);
  EXPECT(!run_sql(db, "pragma synchronous=full; pragma cache_spill=off"));
  EXPECT(!release(db));
  return db;
}

/* The statement with this client's number for every "#", in a hold of its own. */
static void put_number(char *to, size_t size, const char *sql) {
  size_t length = 0;
  for (; *sql && length + 12 < size; sql++) {
    if (*sql == '#') length += (size_t)snprintf(to + length, size - length, "%d", client);
    else to[length++] = *sql;
  }
  to[length] = 0;
}
static void execute(sqlite3 *db, const char *sql) {
  char numbered[500];
  put_number(numbered, sizeof numbered, sql);
  wait_for(db);
  EXPECT(!run_sql(db, numbered), "%s: %s", numbered, sqlite3_errmsg(db));
  if (rand() % 8 == 0) EXPECT(!sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, 0, 0));
  EXPECT(!release(db));
}
static void match(sqlite3 *db, const char *sql, long long expected) {
  char numbered[500];
  put_number(numbered, sizeof numbered, sql);
  wait_for(db);
  long long found = number(db, numbered);
  EXPECT(found == expected, "%lld, but %lld: %s (%s)", expected, found, numbered, sqlite3_errmsg(db));
  EXPECT(!release(db));
}

/* crash01: a process dies in a transaction, with the shard in its hand. Nothing of it may ever be seen. */
static void die_in_a_transaction(void) {
  pid_t child = fork(); /* without an open shard: locks belong to open files, and nobody may inherit them */
  if (child == 0) {
    sqlite3 *db = opened();
    char sql[300];
    wait_for(db);
    put_number(sql, sizeof sql,
               "begin immediate; delete from t#; insert into t# values(1000, 'never'); "
               "update ledger set round = -round where client = #");
    EXPECT(!run_sql(db, sql), "%s", sqlite3_errmsg(db));
    kill(getpid(), SIGKILL);
  }
  int status;
  EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* multiwrite01. */
static void round_of_writes(int number_of_round) {
  char sql[200];
  sqlite3 *db = opened();
  execute(db, "create table if not exists ledger(client int, round int, unique(client, round))");
  execute(db, "drop table if exists t#");
  execute(db, "create table t#(a integer primary key, b)");
  execute(db, "insert into t# values(1, randomblob(2000)), (2, randomblob(1000))");
  for (int rows = 2; rows < ROWS; rows *= 2) {
    snprintf(sql, sizeof sql, "insert into t# select a + %d, randomblob(1500) from t#", rows);
    execute(db, sql);
  }
  match(db, "select count(*) from t#", ROWS);
  match(db, "select total(length(b)) from t#", ROWS * 1500);
  execute(db, "update t# set b = 'x' || a || 'y'");
  match(db, "select total(length(b)) from t#", 9 * 3 + 90 * 4 + (ROWS - 99) * 5);
  match(db, "select a from t# where b = 'x17y'", 17);
  execute(db, "create index t#b on t#(b)");
  match(db, "select a from t# where b = 'x29y'", 29);
  EXPECT(!sqlite3_close(db));
  die_in_a_transaction();
  db = opened();
  match(db, "select count(*) from t# where b like 'x%'", ROWS);
  execute(db, "update t# set b = b || 'z' where a % 2");
  match(db, "select a from t# indexed by t#b where b = 'x17yz'", 17);
  execute(db, "delete from t# where a > 64; insert into t# select a + 64, b from t#");
  match(db, "select count(*) from t#", ROWS);
  snprintf(sql, sizeof sql, "insert into ledger values(#, %d)", number_of_round);
  execute(db, sql);
  match(db, "select count(*) from ledger where client = #", number_of_round);
  EXPECT(!sqlite3_close(db));
}

static int check(int clients, int rounds) {
  sqlite3 *db = opened();
  wait_for(db);
  EXPECT(!strcmp(text(db, "pragma integrity_check"), "ok"), "%s", text(db, "pragma integrity_check"));
  EXPECT(number(db, "select count(*) from ledger") == (long long)clients * rounds);
  EXPECT(number(db, "select count(*) from ledger where round < 1") == 0);
  EXPECT(number(db, "select count(*) from sqlite_schema where type = 'table'") == clients + 1);
  EXPECT(!release(db) && !sqlite3_close(db));
  printf("many processes: %d clients, %d rounds, %d deaths in a transaction, integrity ok\n", clients, rounds,
         clients * rounds);
  return 0;
}

int main(int argc, char **argv) {
  start();
  EXPECT(argc == 5);
  database = argv[2];
  if (!strcmp(argv[1], "check")) return check(atoi(argv[3]), atoi(argv[4]));
  client = atoi(argv[3]);
  srand((unsigned)client);
  for (int round = 1; round <= atoi(argv[4]); round++) round_of_writes(round);
  return 0;
}
