/// All that one key owns.
package struct Session: Hashable, Sendable, Codable {
    /// The hash of the key.
    package let id: SessionID
    /// When it was made.
    package let created: Timestamp

    /// Makes the value; storing it is the store's.
    package init(id: SessionID, created: Timestamp) {
        self.id = id
        self.created = created
    }
}
