/// The keys that a request is about.
public struct KeyRange: Sendable, Hashable {
    /// The first key, inclusive.
    let start: [UInt8]
    /// The end, exclusive; nil for a single key. A single zero byte means "to the last key", by etcd's definition.
    let end: [UInt8]?

    /// One key.
    public static func key(_ key: String) -> KeyRange {
        KeyRange(start: Array(key.utf8), end: nil)
    }

    /// Every key that begins with `prefix`; all keys if `prefix` is empty.
    public static func prefix(_ prefix: String) -> KeyRange {
        let start = Array(prefix.utf8)
        return start.isEmpty ? .all : KeyRange(start: start, end: endOfPrefix(start))
    }

    /// From `first` up to but not including `end`, in the order of bytes.
    public static func range(_ first: String, upTo end: String) -> KeyRange {
        KeyRange(start: Array(first.utf8), end: Array(end.utf8))
    }

    public static let all = KeyRange(start: [0], end: [0])

    /// Of these keys those that are not before `key`.
    public func from(_ key: String) -> KeyRange { KeyRange(start: Array(key.utf8), end: end) }

    /// The same keys without `key` and all before it.
    func after(_ key: [UInt8]) -> KeyRange {
        KeyRange(start: key + [0], end: end)
    }

    /// The first key that is greater than all with this prefix: its last byte below 0xff, increased by one.
    private static func endOfPrefix(_ prefix: [UInt8]) -> [UInt8] {
        guard let index = prefix.lastIndex(where: { $0 < 0xff }) else { return [0] }
        return prefix[..<index] + [prefix[index] + 1]
    }
}
