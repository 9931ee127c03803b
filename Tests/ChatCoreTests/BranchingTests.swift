import ChatTesting
import Testing

@testable import ChatCore

@Suite("Branching")
struct BranchingTests {
    @Test("the example of its documentation")
    func example() throws {
        var branching = try Branching.adding(2, at: 5, after: 2, to: nil, version: 10)
        branching = try Branching.adding(2, at: 7, after: 2, to: branching, version: 20)
        var known = try #require(branching)
        #expect(known.path == [1...2, 7...8] && known.leaf == 8)
        #expect(known.alternatives(of: 5) == [3, 5, 7] && known.alternatives(of: 3) == [3, 5, 7])
        #expect(known.alternatives(of: 8) == [8] && known.alternatives(of: 2) == [2])
        #expect(known.voidedAfter(since: 20) == nil && known.voidedAfter(since: 19) == 2)
        let same = known.show(8, end: 8, version: 21)
        let other = known.show(3, end: 8, version: 21)
        #expect(!same && other)
        #expect(known.path == [1...4] && known.voidedAfter(since: 20) == 2)
    }

    /// A tree that knows each message's parent, and looks at all of them.
    private struct Tree {
        var parents: [Int: Int] = [:]
        var leaf = 0

        func path(to position: Int) -> [Int] {
            var path: [Int] = []
            var place = position
            while parents[place] != nil {
                path.insert(place, at: 0)
                place = parents[place] ?? 0
            }
            return path
        }

        func alternatives(of position: Int) -> [Int] {
            parents.filter { $0.value == parents[position] }.keys.sorted()
        }

        func newestLeaf(below position: Int) -> Int {
            parents.keys.filter { path(to: $0).contains(position) }.max() ?? position
        }
    }

    @Test("says the same as a tree that knows every parent, after any steps", arguments: 0..<20)
    func anySteps(run: Int) throws {
        var random = SeededGenerator.announced("branching \(run)")
        var tree = Tree()
        var branching: Branching?
        var end = 0
        var paths: [(version: Int, path: [Int])] = [(0, [])]
        for version in 1...80 {
            let isChoice = Int.random(in: 0..<4, using: &random) == 0
            if isChoice, let position = tree.parents.keys.randomElement(using: &random) {
                _ = branching?.show(position, end: end, version: version)
                if !tree.path(to: tree.leaf).contains(position) {
                    tree.leaf = tree.newestLeaf(below: position)
                }
            } else {
                let count = Int.random(in: 1...2, using: &random)
                let parent =
                    Bool.random(using: &random) ? nil : tree.parents.values.randomElement(using: &random)
                branching = try Branching.adding(
                    count, at: end + 1, after: parent, to: branching, version: version)
                tree.parents[end + 1] = parent ?? tree.leaf
                if count == 2 { tree.parents[end + 2] = end + 1 }
                end += count
                tree.leaf = end
            }
            let known = branching ?? Branching(leaf: end)
            let path = tree.path(to: tree.leaf)
            #expect(known.leaf == tree.leaf && known.path.flatMap(Array.init) == path)
            for position in tree.parents.keys {
                #expect(known.alternatives(of: position) == tree.alternatives(of: position))
                #expect(known.parent(of: position) == tree.parents[position])
            }
            // Whoever drops what is void keeps nothing that is not shown.
            for seen in paths {
                let kept = seen.path.filter { $0 <= known.voidedAfter(since: seen.version) ?? .max }
                #expect(Set(kept).isSubset(of: path), "since \(seen.version)")
            }
            paths.append((version, path))
        }
    }

    @Test("a conversation takes only so many versions")
    func limit() throws {
        let branches = (0..<Limits.branchesPerConversationMax).map {
            Branching.Branch(first: $0 + 3, parent: 1, version: 1)
        }
        let full = Branching(branches: branches, leaf: branches.count + 2)
        #expect(throws: ChatError.self) {
            try Branching.adding(1, at: branches.count + 3, after: 1, to: full, version: 2)
        }
        let grown = try Branching.adding(1, at: branches.count + 3, after: nil, to: full, version: 2)
        #expect(grown?.leaf == branches.count + 3)
    }
}
