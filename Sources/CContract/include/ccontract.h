#ifndef CCONTRACT_H
#define CCONTRACT_H

#include <stddef.h>

/// The HTTP contract: an OpenAPI 3.1 document in JSON, `*count` bytes of UTF-8 without a zero at the end.
const unsigned char *_Nonnull ccontract_openapi(size_t *_Nonnull count);

#endif
