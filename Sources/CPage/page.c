#pragma clang diagnostic ignored "-Wc23-extensions"

// Why C: `#embed` compiles the page in a second and rebuilds when an asset changes; an array literal in Swift
// takes minutes for the same bytes, and a resource bundle would have to travel beside the binary.
// A file added to assets/ is served only when it is listed here, twice.

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
static const unsigned char chat_js[] = {
#embed "assets/chat.js"
};
static const unsigned char composer_js[] = {
#embed "assets/composer.js"
};
static const unsigned char conversation_menu_js[] = {
#embed "assets/conversation-menu.js"
};
static const unsigned char conversations_js[] = {
#embed "assets/conversations.js"
};
static const unsigned char desk_js[] = {
#embed "assets/desk.js"
};
static const unsigned char dialogs_js[] = {
#embed "assets/dialogs.js"
};
static const unsigned char drawer_js[] = {
#embed "assets/drawer.js"
};
static const unsigned char editing_js[] = {
#embed "assets/editing.js"
};
static const unsigned char elements_js[] = {
#embed "assets/elements.js"
};
static const unsigned char events_js[] = {
#embed "assets/events.js"
};
static const unsigned char head_js[] = {
#embed "assets/head.js"
};
static const unsigned char instructions_js[] = {
#embed "assets/instructions.js"
};
static const unsigned char key_dialogs_js[] = {
#embed "assets/key-dialogs.js"
};
static const unsigned char key_js[] = {
#embed "assets/key.js"
};
static const unsigned char language_js[] = {
#embed "assets/language.js"
};
static const unsigned char limits_js[] = {
#embed "assets/limits.js"
};
static const unsigned char log_js[] = {
#embed "assets/log.js"
};
static const unsigned char menu_js[] = {
#embed "assets/menu.js"
};
static const unsigned char message_foot_js[] = {
#embed "assets/message-foot.js"
};
static const unsigned char message_view_js[] = {
#embed "assets/message-view.js"
};
static const unsigned char models_js[] = {
#embed "assets/models.js"
};
static const unsigned char notice_js[] = {
#embed "assets/notice.js"
};
static const unsigned char outbox_js[] = {
#embed "assets/outbox.js"
};
static const unsigned char panel_js[] = {
#embed "assets/panel.js"
};
static const unsigned char requests_js[] = {
#embed "assets/requests.js"
};
static const unsigned char rotation_js[] = {
#embed "assets/rotation.js"
};
static const unsigned char safe_html_js[] = {
#embed "assets/safe-html.js"
};
static const unsigned char search_js[] = {
#embed "assets/search.js"
};
static const unsigned char sending_js[] = {
#embed "assets/sending.js"
};
static const unsigned char session_events_js[] = {
#embed "assets/session-events.js"
};
static const unsigned char settings_js[] = {
#embed "assets/settings.js"
};
static const unsigned char shelf_js[] = {
#embed "assets/shelf.js"
};
static const unsigned char shortcuts_js[] = {
#embed "assets/shortcuts.js"
};
static const unsigned char speaker_js[] = {
#embed "assets/speaker.js"
};
static const unsigned char strings_js[] = {
#embed "assets/strings.js"
};
static const unsigned char theme_js[] = {
#embed "assets/theme.js"
};
static const unsigned char transfer_js[] = {
#embed "assets/transfer.js"
};
static const unsigned char trouble_js[] = {
#embed "assets/trouble.js"
};

#define ASSET(name, media_type, bytes) {name, media_type, bytes, sizeof bytes}
#define SCRIPT(name, bytes) ASSET(name, "text/javascript; charset=utf-8", bytes)

static const cpage_asset assets[] = {
    ASSET("index.html", "text/html; charset=utf-8", index_html),
    ASSET("chat.css", "text/css; charset=utf-8", chat_css),
    SCRIPT("app.js", app_js),
    SCRIPT("chat.js", chat_js),
    SCRIPT("composer.js", composer_js),
    SCRIPT("conversation-menu.js", conversation_menu_js),
    SCRIPT("conversations.js", conversations_js),
    SCRIPT("desk.js", desk_js),
    SCRIPT("dialogs.js", dialogs_js),
    SCRIPT("drawer.js", drawer_js),
    SCRIPT("editing.js", editing_js),
    SCRIPT("elements.js", elements_js),
    SCRIPT("events.js", events_js),
    SCRIPT("head.js", head_js),
    SCRIPT("instructions.js", instructions_js),
    SCRIPT("key-dialogs.js", key_dialogs_js),
    SCRIPT("key.js", key_js),
    SCRIPT("language.js", language_js),
    SCRIPT("limits.js", limits_js),
    SCRIPT("log.js", log_js),
    SCRIPT("menu.js", menu_js),
    SCRIPT("message-foot.js", message_foot_js),
    SCRIPT("message-view.js", message_view_js),
    SCRIPT("models.js", models_js),
    SCRIPT("notice.js", notice_js),
    SCRIPT("outbox.js", outbox_js),
    SCRIPT("panel.js", panel_js),
    SCRIPT("requests.js", requests_js),
    SCRIPT("rotation.js", rotation_js),
    SCRIPT("safe-html.js", safe_html_js),
    SCRIPT("search.js", search_js),
    SCRIPT("sending.js", sending_js),
    SCRIPT("session-events.js", session_events_js),
    SCRIPT("settings.js", settings_js),
    SCRIPT("shelf.js", shelf_js),
    SCRIPT("shortcuts.js", shortcuts_js),
    SCRIPT("speaker.js", speaker_js),
    SCRIPT("strings.js", strings_js),
    SCRIPT("theme.js", theme_js),
    SCRIPT("transfer.js", transfer_js),
    SCRIPT("trouble.js", trouble_js),
};

const cpage_asset *_Nonnull cpage_assets(size_t *_Nonnull count) {
    *count = sizeof assets / sizeof *assets;
    return assets;
}
