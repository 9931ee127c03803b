/* A small life of a shard that the fault, crash and power tests put through their paces: born, written in
** holds, checkpointed, written again. Transaction k inserts rows (k, 0..k % 3) and is acknowledged by
** setting *acknowledged to k. */
#ifndef WORKLOAD_H
#define WORKLOAD_H
#include "harness.h"

enum { TRANSACTIONS = 12 };
/* Goes on until it is done or a call fails; *attempted is the transaction under way. The first error, or
** SQLITE_OK. The connection is left as it is in *db (to be looked at, and closed). */
int workload(const char *path, sqlite3 **db, volatile int *acknowledged, volatile int *attempted);
/* Opens the shard with nothing in the way and expects: every acknowledged transaction whole, the one under
** way whole or absent, nothing else, sound, and still usable. */
void verify(const char *path, int acknowledged, int attempted);
#endif
