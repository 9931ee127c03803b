/* The first page of a shard: born whole, and disguised so that ordinary SQLite refuses the file. */
#include "volume_internal.h"
#include <string.h>

enum { WRITE_VERSION_AT = 18, READ_VERSION_AT = 19, IN_WAL_MODE = 2, OUR_VERSION = 'S' };
static const unsigned char magic[16] = "SQLite format 3";

/* An empty database in WAL mode (fileformat2.html 1.3; the fields that btree.c:newDatabase() sets). A
** shard is born as this page in one write, so that it never passes through rollback mode and never has a
** journal. */
void volume_page1_birth(unsigned char page[PAGE1_BYTES]) {
  memset(page, 0, PAGE1_BYTES);
  memcpy(page, magic, sizeof magic);
  page[16] = PAGE1_BYTES >> 8; /* page size, big-endian */
  page[WRITE_VERSION_AT] = page[READ_VERSION_AT] = OUR_VERSION;
  page[21] = 64, page[22] = page[23] = 32; /* payload fractions: fixed by the format */
  page[27] = page[31] = page[95] = 1;      /* change counter, pages, version-valid-for */
  page[100] = 0x0d;                        /* an empty leaf of a table tree: sqlite_schema; */
  page[105] = PAGE1_BYTES >> 8;            /* its cell content starts at the end of the page */
}

int volume_page1_is_ours(const unsigned char header[100]) {
  return !memcmp(header, magic, sizeof magic) && header[WRITE_VERSION_AT] == OUR_VERSION &&
         header[READ_VERSION_AT] == OUR_VERSION;
}

int volume_page1_is_touched(int amount, off_t at) {
  return at <= READ_VERSION_AT && at + amount > WRITE_VERSION_AT;
}

/* btree.c:lockBtree(): "if( page1[19]>2 ) goto page1_init_failed" with SQLITE_NOTADB, and 2 in both bytes
** means WAL mode. On the volume both bytes are ours, in SQLite's memory both are 2. Frames in the log keep
** the 2: they carry checksums, and nobody but this VFS looks for a file with the log's name. */
static void set_versions(unsigned char *buffer, int amount, off_t at, unsigned char version) {
  for (off_t i = WRITE_VERSION_AT; i <= READ_VERSION_AT; i++) {
    if (i >= at && i < at + amount) buffer[i - at] = version;
  }
}
void volume_page1_present(unsigned char *buffer, int amount, off_t at) {
  set_versions(buffer, amount, at, IN_WAL_MODE);
}
void volume_page1_disguise(unsigned char *buffer, int amount, off_t at) {
  set_versions(buffer, amount, at, OUR_VERSION);
}
