import FoundationEssentials
import VolumeCore

extension CephKey {
    init?(base64 text: some StringProtocol) {
        guard let data = Data(base64Encoded: String(text)), !data.isEmpty else { return nil }
        self.init(bytes: Array(data))
    }
}

/// The text of a keyring file: sections named after users, with a line `key = …` each.
enum KeyringText {
    /// - Parameter user: without `client.`
    static func key(of user: String, in text: String) -> CephKey? {
        var section: Substring = ""
        var found: CephKey?
        for line in text.split(whereSeparator: \.isNewline).map(trimmed) {
            if line.first == "[" && line.last == "]" {
                section = trimmed(line.dropFirst().dropLast())
            } else if section == "client." + user, let equals = line.firstIndex(of: "="),
                trimmed(line[..<equals]) == "key"
            {
                // As with all of Ceph's files, the later line wins.
                found = CephKey(base64: unquoted(trimmed(line[line.index(after: equals)...])))
            }
        }
        return found
    }

    /// A key's file or a keyring; `nil` when it cannot be read. Blocking.
    static func read(_ path: String) -> String? {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
    }

    static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return start[...last]
    }

    private static func unquoted(_ text: Substring) -> Substring {
        text.count > 1 && text.first == "\"" && text.last == "\"" ? text.dropFirst().dropLast() : text
    }
}
