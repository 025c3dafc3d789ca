import FoundationEssentials

/// Inputs in files: what the plugin is really given, and every input that has ever broken something.
package struct Corpus: Sendable {
    /// Has a folder for each target.
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The project's own.
    package static let own = Corpus(
        folder: "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/FuzzCorpus")

    /// The folders that it has.
    package var targets: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    /// The names of the target's inputs, sorted.
    package func names(of target: any FuzzTarget) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(target.name)")) ?? []).sorted()
    }

    /// The target's inputs by name.
    package func inputs(of target: any FuzzTarget) -> [(name: String, bytes: [UInt8])] {
        names(of: target).map { name in
            (name, Array(FileManager.default.contents(atPath: "\(folder)/\(target.name)/\(name)") ?? Data()))
        }
    }

    /// Adds an input that broke something.
    /// - Returns: its file.
    package func keep(_ input: [UInt8], of target: any FuzzTarget) throws -> String {
        let path = "\(folder)/\(target.name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let hash = input.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let file = "\(path)/broke-\(String(hash, radix: 16))"
        try Data(input).write(to: URL(filePath: file))
        return file
    }
}
