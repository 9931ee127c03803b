#pragma clang diagnostic ignored "-Wc23-extensions"

// Why C: `#embed` compiles the page in a second and rebuilds when an asset changes; an array literal in Swift
// takes minutes for the same bytes, and a resource bundle would have to travel beside the binary.
// A file added to assets/ is served only when it is listed here.

#include "cpage.h"

static const unsigned char index_html[] = {
#embed "assets/index.html"
};
static const unsigned char chat_css[] = {
#embed "assets/chat.css"
};
static const unsigned char app_js[] = {
#embed "assets/app.js"
};
static const unsigned char server_js[] = {
#embed "assets/server.js"
};
static const unsigned char messages_js[] = {
#embed "assets/messages.js"
};
static const unsigned char panel_js[] = {
#embed "assets/panel.js"
};
static const unsigned char editing_js[] = {
#embed "assets/editing.js"
};
static const unsigned char dialogs_js[] = {
#embed "assets/dialogs.js"
};

#define ASSET(name, media_type, bytes) {name, media_type, bytes, sizeof bytes}

static const cpage_asset assets[] = {
    ASSET("index.html", "text/html; charset=utf-8", index_html),
    ASSET("chat.css", "text/css; charset=utf-8", chat_css),
    ASSET("app.js", "text/javascript; charset=utf-8", app_js),
    ASSET("server.js", "text/javascript; charset=utf-8", server_js),
    ASSET("messages.js", "text/javascript; charset=utf-8", messages_js),
    ASSET("panel.js", "text/javascript; charset=utf-8", panel_js),
    ASSET("editing.js", "text/javascript; charset=utf-8", editing_js),
    ASSET("dialogs.js", "text/javascript; charset=utf-8", dialogs_js),
};

const cpage_asset *_Nonnull cpage_assets(size_t *_Nonnull count) {
    *count = sizeof assets / sizeof *assets;
    return assets;
}
