#ifndef STOA_CMIGRATIONS_H
#define STOA_CMIGRATIONS_H

#include <stddef.h>

/// One embedded migration: its file's name and bytes, which live as long as the process.
typedef struct {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
} cmigration;

/// All migrations in ascending order; `count` gets their number.
const cmigration *_Nonnull cmigrations(size_t *_Nonnull count);

#endif
