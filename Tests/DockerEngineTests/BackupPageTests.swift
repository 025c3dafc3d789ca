import FoundationEssentials
import Rig
import Testing

extension EngineTests {
    /// What docs/backup.md tells people to type.
    @Suite("The page on backups")
    struct BackupPageTests {
        private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

        /// The commands of the page, block by block.
        private static func blocks() throws -> [String] {
            let page = try text(of: root + "/docs/backup.md")
            let parts = page.split(separator: "\n```sh\n", omittingEmptySubsequences: false).dropFirst()
            return try parts.map { part in
                guard let end = part.firstRange(of: "\n```\n") else { throw RigFailure("a block has no end: \(part)") }
                return String(part[..<end.lowerBound])
            }
        }

        @Test("The nightly backup and the restore drill do what the page says, word by word")
        func drill() async throws {
            let plugin = try await SharedEngine.plugin
            let engine = plugin.engine
            let folder = engine.scratch.path + "/backup-page"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let host = try await HostCommand(for: plugin)
            var said = ""
            for block in try Self.blocks() {
                let result = try await host.run(block, in: folder, within: .seconds(300))
                #expect(result.succeeded, "\(block)\n\(result.output)\(result.error)")
                said += result.output
            }
            #expect(said.contains("Made volume drill (256M, ext4)."), "\(said)")
            #expect(said.contains("Volume drill is what it was in snapshot backup-"), "\(said)")
            #expect(said.contains("\nsecond\n"), "\(said)")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/backups").sorted()
            #expect(files.count { $0.hasSuffix(".diff") } == 2 && files.contains("db.last"), "\(files)")
            // The second one has what has changed, and no more.
            let sizes = files.filter { $0.hasSuffix(".diff") }.map {
                FileManager.default.contents(atPath: "\(folder)/backups/\($0)")?.count ?? 0
            }
            #expect(sizes[1] < sizes[0], "\(sizes)")
            let last = try text(of: folder + "/backups/db.last").filter { $0 != "\n" }
            try await plugin.operate("snapshot", "rm", "db", last)
            try await plugin.remove("db")
            #expect(try await plugin.records().filter { $0.hasSuffix("/drill") || $0.hasSuffix("/db") }.isEmpty)
        }
    }
}
