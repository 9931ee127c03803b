#pragma clang diagnostic ignored "-Wc23-extensions"
// Embeds the SQL files of this folder. A new file needs its line in both lists; a test compares them with the
// folder.
#include "cmigrations.h"

static const unsigned char m0001[] = {
#embed "0001_create_sessions.sql"
};

static const unsigned char m0002[] = {
#embed "0002_parts_by_arrival.sql"
};

static const unsigned char m0003[] = {
#embed "0003_branches.sql"
};

static const unsigned char m0004[] = {
#embed "0004_running_answers.sql"
};

static const unsigned char m0005[] = {
#embed "0005_session_versions.sql"
};

static const unsigned char m0006[] = {
#embed "0006_reasoning.sql"
};

static const cmigration all[] = {
    {"0001_create_sessions.sql", m0001, sizeof m0001},
    {"0002_parts_by_arrival.sql", m0002, sizeof m0002},
    {"0003_branches.sql", m0003, sizeof m0003},
    {"0004_running_answers.sql", m0004, sizeof m0004},
    {"0005_session_versions.sql", m0005, sizeof m0005},
    {"0006_reasoning.sql", m0006, sizeof m0006},
};

const cmigration *_Nonnull cmigrations(size_t *_Nonnull count) {
    *count = sizeof all / sizeof *all;
    return all;
}
