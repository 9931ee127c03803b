#ifndef STOA_CZLIB_SHIM_H
#define STOA_CZLIB_SHIM_H

#include <zlib.h>

#endif
