/// Which messages of a conversation are versions of each other, and which of them are shown.
///
/// Messages have positions in the order they were made. Mostly each follows its neighbour, and there is
/// nothing to know: such a conversation has no `Branching`. Where something is said anew (a prompt that was
/// edited, an answer that was asked for again), a *branch* begins: a run of positions whose first message
/// follows ``Branch/parent`` instead of its neighbour. The *leaf* is the last message that is shown; the way
/// to it from the first one, branch by branch, is the *path*. Positions only climb along a path.
///
/// ```
/// 1 prompt  2 answer  3 prompt  4 answer            path of leaf 8: 1...2, 7...8
///                ├──  5 prompt  6 answer            3, 5 and 7 are versions of each other
///                └──  7 prompt  8 answer
/// ```
package struct Branching: Hashable, Sendable, Codable {
    /// A run of positions that begins anew.
    package struct Branch: Hashable, Sendable, Codable {
        /// The position it begins with; it ends where the next one begins.
        package let first: Int
        /// The position of the message that its first one follows.
        package let parent: Int
        /// The conversation's version when another choice among the messages after `parent` was last shown.
        package var version: Int

        /// Makes the value.
        package init(first: Int, parent: Int, version: Int) {
            self.first = first
            self.parent = parent
            self.version = version
        }
    }

    /// In ascending order of `first`.
    package private(set) var branches: [Branch]
    /// The position of the last message that is shown.
    package private(set) var leaf: Int

    /// - Parameter branches: in ascending order of `first`.
    package init(branches: [Branch] = [], leaf: Int) {
        self.branches = branches
        self.leaf = leaf
    }

    // MARK: Asking

    /// The positions that are shown, in ascending order.
    package var path: [ClosedRange<Int>] { path(to: leaf) }

    /// The positions that lead to `position`, in ascending order; it is the last of them.
    package func path(to position: Int) -> [ClosedRange<Int>] {
        var ranges: [ClosedRange<Int>] = []
        var last = position
        var index = branches.count
        while last > 0 {
            while index > 0, branches[index - 1].first > last { index -= 1 }
            ranges.append((index > 0 ? branches[index - 1].first : 1)...last)
            last = index > 0 ? branches[index - 1].parent : 0
        }
        return ranges.reversed()
    }

    /// Whether `position` is shown.
    package func shows(_ position: Int) -> Bool { path.contains { $0.contains(position) } }

    /// The position that `position` follows; 0 or the place of a removed message for the first of all.
    package func parent(of position: Int) -> Int {
        branches.first { $0.first == position }?.parent ?? position - 1
    }

    /// The positions of all versions of the message at `position`, itself among them, in the order they were
    /// made.
    package func alternatives(of position: Int) -> [Int] {
        let parent = parent(of: position)
        let neighbour = branches.contains { $0.first == parent + 1 } ? [] : [parent + 1]
        return neighbour + branches.filter { $0.parent == parent }.map(\.first)
    }

    /// After which position whoever has seen `version` must drop what it has; nil when nothing was chosen
    /// otherwise since.
    package func voidedAfter(since version: Int) -> Int? {
        branches.filter { $0.version > version }.map(\.parent).min()
    }

    // MARK: Changing

    /// What is known of a conversation after `count` messages were made at `first`, one after the other.
    /// - Parameters:
    ///   - parent: the position of the message they follow; nil is the last one shown.
    ///   - version: the conversation's version with the first of them.
    /// - Returns: nil when each message still follows its neighbour.
    /// - Throws: ``ChatError/Code/limitReached`` past ``Limits/branchesPerConversationMax``.
    package static func adding(
        _ count: Int, at first: Int, after parent: Int?, to branching: Branching?, version: Int
    ) throws -> Branching? {
        let parent = parent ?? branching?.leaf ?? first - 1
        var changed = branching
        if parent != first - 1 {
            var begun = branching ?? Branching(leaf: first - 1)
            guard begun.branches.count < Limits.branchesPerConversationMax else {
                throw ChatError(.limitReached, "This conversation has too many versions. Begin a new one.")
            }
            begun.begin(at: first, after: parent, version: version)
            changed = begun
        }
        changed?.leaf = first + count - 1
        return changed
    }

    /// A branch begins at `first`, a position that nobody had, behind `parent`; it is shown.
    mutating func begin(at first: Int, after parent: Int, version: Int) {
        let before = path
        branches.append(Branch(first: first, parent: parent, version: version))
        leaf = first
        mark(Self.commonEnd(before, path), version)
    }

    /// Shows the message at `position` and what was last said after it.
    /// - Parameter end: the last position that is taken.
    /// - Returns: false when it is shown already; nothing was changed.
    package mutating func show(_ position: Int, end: Int, version: Int) -> Bool {
        let before = path
        guard !before.contains(where: { $0.contains(position) }) else { return false }
        leaf = newestLeaf(below: position, end: end)
        mark(Self.commonEnd(before, path), version)
        return true
    }

    private mutating func mark(_ parent: Int, _ version: Int) {
        guard let index = branches.firstIndex(where: { $0.parent == parent }) else { return }
        branches[index].version = version
    }

    /// The last position that two paths share.
    private static func commonEnd(_ left: [ClosedRange<Int>], _ right: [ClosedRange<Int>]) -> Int {
        var end = 0
        for (left, right) in zip(left, right) {
            guard left.lowerBound == right.lowerBound else { break }
            end = min(left.upperBound, right.upperBound)
            guard left.upperBound == right.upperBound else { break }
        }
        return end
    }

    /// A branch begins behind its parent, so one look at each, in order, finds all that is below.
    private func newestLeaf(below position: Int, end: Int) -> Int {
        let next = branches.firstIndex { $0.first > position } ?? branches.count
        var runs = [position...self.end(ofRunBefore: next, end)]
        for index in branches.indices[next...]
        where runs.contains(where: { $0.contains(branches[index].parent) }) {
            runs.append(branches[index].first...self.end(ofRunBefore: index + 1, end))
        }
        return runs.last?.upperBound ?? position
    }

    private func end(ofRunBefore index: Int, _ end: Int) -> Int {
        index < branches.count ? branches[index].first - 1 : end
    }
}
