import FoundationEssentials
import Rig

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

/// - Throws: ``RigFailure`` when there is no such file, or it cannot be read.
func text(of path: String) throws -> String {
    guard let content = FileManager.default.contents(atPath: path) else { throw RigFailure("cannot read \(path)") }
    return String(decoding: content, as: UTF8.self)
}
