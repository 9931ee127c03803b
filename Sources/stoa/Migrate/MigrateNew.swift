import ArgumentParser
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `stoa migrate new`: for who develops Stoa.
struct MigrateNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Begin a migration in a checkout of Stoa's source.",
        discussion: """
            Writes migrations/NNNN_name.sql with the next number and adds its lines to
            migrations/migrations.c and Package.swift. Never changes a file that has
            been released: its checksum is in every volume.

            EXAMPLE:
              stoa migrate new add_labels --source ~/stoa

            EXIT STATUS:
              0 the file was made; 64 the name is not one; 65 this is no checkout, or
              the name is taken.
            """)

    @Argument(help: "What it does: a-z, 0-9 and _.") var name: String
    @Option(help: "The checkout's folder.") var source = "."

    func validate() throws {
        guard !name.isEmpty, name.utf8.count <= 60,
            name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") })
        else { throw ValidationError("A migration's name has 1 to 60 characters of a-z, 0-9 and _.") }
    }

    private static let template = """
        -- What it is for, and why this way.
        --
        -- Who can go on with it: the newest migration that an older program must know.
        -- Remove both lines if none can.
        -- min_reader: %d
        -- min_writer: %d

        """

    func run() throws {
        let folder = "\(source)/migrations"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder),
            var table = try? String(contentsOfFile: "\(folder)/migrations.c", encoding: .utf8),
            var package = try? String(contentsOfFile: "\(source)/Package.swift", encoding: .utf8)
        else { throw ExitStatus.fail("\(source) is no checkout of Stoa", ExitStatus.dataError) }
        let numbers = names.filter { $0.hasSuffix(".sql") }.compactMap { Int($0.prefix(4)) }
        let taken = names.first { $0.hasSuffix("_\(name).sql") }
        let last = (numbers.max() ?? 0) - (taken == nil ? 0 : 1)
        let number = String(String(10_000 + last + 1).suffix(4))
        let file = "\(number)_\(name).sql"
        let text = Self.template.replacing("%d", with: "\(last)")
        // One that was just begun, by a run that was ended perhaps, is the same one.
        if let taken {
            guard taken == file, try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) == text
            else {
                throw ExitStatus.fail("there is a migration \(name) already", ExitStatus.dataError)
            }
        }
        let array = "static const unsigned char m\(number)[] = {\n#embed \"\(file)\"\n};\n\n"
        guard
            table.insert(array, before: "static const cmigration all[]", unless: "m\(number)[]"),
            table.insert(
                "    {\"\(file)\", m\(number), sizeof m\(number)},\n",
                before: "};\n\nconst cmigration *_Nonnull", unless: "{\"\(file)\","),
            package.insert(
                "                \"\(file)\",\n",
                before: "            ],\n            sources: [\"migrations.c\"]", unless: "\"\(file)\"")
        else {
            throw ExitStatus.fail("migrations.c or Package.swift is not as expected", ExitStatus.dataError)
        }
        do {
            // The file last: until then the same command takes the same number and goes on.
            try table.write(toFile: "\(folder)/migrations.c", atomically: true, encoding: .utf8)
            try package.write(toFile: "\(source)/Package.swift", atomically: true, encoding: .utf8)
            try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
        } catch {
            throw ExitStatus.fail("\(folder) cannot be written", ExitStatus.unavailable)
        }
        print("\(folder)/\(file)")
    }
}

extension String {
    /// Puts `text` before the only place where `mark` is, unless `sign` says that it is there already; false
    /// when there is no such place, or more than one.
    fileprivate mutating func insert(_ text: String, before mark: String, unless sign: String) -> Bool {
        if contains(sign) { return true }
        let places = ranges(of: mark)
        guard places.count == 1, let place = places.first else { return false }
        insert(contentsOf: text, at: place.lowerBound)
        return true
    }
}
