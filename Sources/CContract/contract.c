#pragma clang diagnostic ignored "-Wc23-extensions"

// Why C: see ../CPage/page.c. `#embed` rebuilds when the document changes, and costs nothing to compile.

#include "ccontract.h"

static const unsigned char openapi[] = {
#embed "openapi.json"
};

const unsigned char *_Nonnull ccontract_openapi(size_t *_Nonnull count) {
    *count = sizeof openapi;
    return openapi;
}
