#ifndef CPAGE_H
#define CPAGE_H

#include <stddef.h>

/// One file of the browser page, embedded in the binary.
typedef struct cpage_asset {
    /// File name, e.g. "chat.css". "index.html" is served at `/`, every other one at `/assets/NAME`.
    const char *_Nonnull name;
    /// What belongs into `Content-Type`.
    const char *_Nonnull media_type;
    /// The file's bytes: constant, alive as long as the process, not terminated by a zero.
    const unsigned char *_Nonnull bytes;
    /// How many bytes.
    size_t count;
} cpage_asset;

/// All files of the page; `*count` is set to how many there are.
///
/// A function, because an array of unknown length does not import into Swift.
const cpage_asset *_Nonnull cpage_assets(size_t *_Nonnull count);

#endif
