/// One line of `/proc/self/mountinfo` (proc(5)).
public struct MountEntry: Equatable, Hashable, Sendable {
    public let mountpoint: String
    /// The part of the filesystem that is seen at the mount point; `/` unless it is a bind mount of a folder.
    public let root: String
    /// ext4, xfs, btrfs, fuse, …
    public let type: String
    /// The device, or what stands for it.
    public let source: String
    /// The options of this mount and of its filesystem.
    public let options: Set<String>

    /// Nil when the line is not what proc(5) says.
    public init?(line: some StringProtocol) {
        let fields = line.split(separator: " ")
        guard
            let separator = fields.firstIndex(of: "-"), separator >= 6,
            fields.count > separator + 3
        else { return nil }
        root = Self.unescape(fields[3])
        mountpoint = Self.unescape(fields[4])
        type = String(fields[separator + 1])
        source = Self.unescape(fields[separator + 2])
        let all = fields[5].split(separator: ",") + fields[separator + 3].split(separator: ",")
        options = Set(all.map { String($0) })
    }

    /// All mounts that this process sees, in the order in which they were made.
    public static func all() -> [MountEntry] {
        guard let content = kernelFile("/proc/self/mountinfo") else { return [] }
        return String(decoding: content, as: UTF8.self).split(separator: "\n").compactMap { MountEntry(line: $0) }
    }

    /// The kernel writes blank, tab, newline and backslash as three octal digits after a backslash.
    private static func unescape(_ field: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(3), as: UTF8.self)
            if byte == UInt8(ascii: "\\"), digits.utf8.count == 3, let code = UInt8(digits, radix: 8) {
                bytes.append(code)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MountEntry: CustomStringConvertible {
    public var description: String {
        "\(source) on \(mountpoint) type \(type) (\(options.sorted().joined(separator: ",")))"
    }
}
