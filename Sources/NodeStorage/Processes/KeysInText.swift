/// Takes Ceph keys out of what a tool has said.
///
/// Tools of Ceph print a key that they cannot use: "error setting modifier for [client.docker] type=key val=AgB…".
public enum KeysInText {
    /// The text without what looks like a key.
    public static func removed(from text: String) -> String {
        var kept: [UInt8] = []
        var rest = Array(text.utf8)[...]
        var isFound = false
        while !rest.isEmpty {
            let run = rest.prefix(while: isOfBase64)
            if isKey(run, after: kept) {
                kept += Array("<secret>".utf8)
                isFound = true
            } else {
                kept += run
            }
            rest = rest.dropFirst(run.count)
            if let other = rest.popFirst() { kept.append(other) }
        }
        return isFound ? String(decoding: kept, as: UTF8.self) : text
    }

    /// A key begins with its type, in two bytes, and the time at which it was made. One that was cut short counts as well.
    private static func isKey(_ run: ArraySlice<UInt8>, after before: [UInt8]) -> Bool {
        if !run.isEmpty, before.ends(with: "val=") { return true }
        guard run.count >= shortest, run.starts(with: [UInt8(ascii: "A")]) else { return false }
        let (type, time) = (run[run.startIndex + 1], run[run.startIndex + 2])
        return "Qgw".utf8.contains(type) && "ABCD".utf8.contains(time)
    }

    /// A key has 40 at least.
    private static let shortest = 20

    private static func isOfBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

extension [UInt8] {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
