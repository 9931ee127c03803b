#ifndef STOA_CSQLITE_SHIM_H
#define STOA_CSQLITE_SHIM_H

#include <sqlite3.h>

// Only what Swift cannot import: C variadics and macros with casts.

/// `SQLITE_TRANSIENT` is a cast in a macro: SQLite copies the bound bytes before the call returns.
static inline sqlite3_destructor_type stoa_sqlite3_transient(void) {
    return SQLITE_TRANSIENT;
}

/// Sets one on/off option and reports what is in force afterwards.
static inline int stoa_sqlite3_db_config_flag(sqlite3 *_Nonnull db, int option, int on, int *_Nonnull now) {
    return sqlite3_db_config(db, option, on, now);
}

#endif
