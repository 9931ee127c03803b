/* What the tests of the volume VFS share: a shard, a folder of its own, and a way to fail. */
#ifndef HARNESS_H
#define HARNESS_H
#include "volume_vfs.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition, ...)                                                                               \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      printf("%s:%d: expected %s", __FILE__, __LINE__, #condition);                                          \
      printf(" " __VA_ARGS__);                                                                               \
      puts("");                                                                                              \
      exit(1);                                                                                               \
    }                                                                                                        \
  } while (0)

const char *folder(void); /* a fresh folder for this process, removed at exit */
void empty_folder(void);
char *in_folder(const char *name);     /* a path; valid until the fourth next call */
sqlite3 *shard_open(const char *path); /* opened, not acquired */
int acquire(sqlite3 *db);              /* one try */
void hold(sqlite3 *db);                /* acquire, expecting success at the first try */
int release(sqlite3 *db);
int run_sql(sqlite3 *db, const char *sql); /* extended code */
long long number(sqlite3 *db,
                 const char *sql); /* first column of the first row, -1 if there is none or on error */
const char *text(sqlite3 *db, const char *sql); /* likewise; valid until the next call */
struct volume_status status_of(sqlite3 *db);
void start(void); /* registers the VFS */
#endif
