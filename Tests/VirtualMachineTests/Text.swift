import FoundationEssentials
import Rig

enum Text {
    /// - Throws: ``RigFailure`` when there is no such file.
    static func ofFile(_ path: String) throws -> String {
        guard let content = FileManager.default.contents(atPath: path) else { throw RigFailure("cannot read \(path)") }
        return String(decoding: content, as: UTF8.self)
    }
}

extension String {
    /// Without the line's end.
    var trimmed: String { String(reversed().drop { $0.isWhitespace }.reversed()) }

    var lines: [String] { split(separator: "\n").map(String.init) }
}
