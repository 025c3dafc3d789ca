import Glibc

/// Texts as Ceph's servers write them: the length in four bytes, little endian, then the bytes.
enum CephText {
    static func encoded(_ text: String) -> [CChar] {
        (withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian, Array.init) + Array(text.utf8))
            .map { CChar(bitPattern: $0) }
    }

    /// A map of texts: how many there are, then each key with its value.
    static func encoded(_ texts: [String: String]) -> [CChar] {
        let count = withUnsafeBytes(of: UInt32(texts.count).littleEndian, Array.init).map { CChar(bitPattern: $0) }
        return count + texts.sorted { $0.key < $1.key }.flatMap { encoded($0.key) + encoded($0.value) }
    }

    /// - Parameter count: how many of the bytes are filled, or the negative errno of the call that was to fill them.
    static func decoded(_ bytes: [CChar], _ count: CInt, _ call: CephCall, _ what: String) throws -> String {
        _ = try call.check(count)
        let text = bytes[..<Int(count)].dropFirst(4).map { UInt8(bitPattern: $0) }
        guard !text.isEmpty else { throw call.error(EIO, detail: "\(what) holds no id") }
        return String(decoding: text, as: UTF8.self)
    }
}
