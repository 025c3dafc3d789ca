/// A mount, by its line in `/proc/<pid>/mountinfo` (proc(5)).
public struct MountInfoLine: Sendable, Hashable {
    public var id: Int
    public var parent: Int
    /// `major:minor` of the filesystem's device.
    public var deviceNumber: String
    /// Which folder of the filesystem is mounted; `/` but for bind mounts.
    public var root: String
    public var mountpoint: String
    public var options: [String]
    public var filesystem: String
    /// What was mounted: `/dev/rbd0`.
    public var source: String
    public var superOptions: [String]

    public init(
        id: Int, parent: Int, deviceNumber: String, root: String, mountpoint: String, options: [String],
        filesystem: String, source: String, superOptions: [String]
    ) {
        self.id = id
        self.parent = parent
        self.deviceNumber = deviceNumber
        self.root = root
        self.mountpoint = mountpoint
        self.options = options
        self.filesystem = filesystem
        self.source = source
        self.superOptions = superOptions
    }

    public var isReadOnly: Bool { options.contains("ro") || superOptions.contains("ro") }
}

// By bytes, as the kernel writes them: Swift joins some letters with a blank or a line break beside them to one character.
extension MountInfoLine {
    /// All lines of the file. Those that are not understood are left out.
    public static func all(in file: [UInt8]) -> [MountInfoLine] {
        file.split(separator: UInt8(ascii: "\n")).compactMap(MountInfoLine.init(parsing:))
    }

    /// The id of the mount that a file is open on.
    /// - Parameter content: of `/proc/<pid>/fdinfo/<descriptor>` (proc(5)).
    public static func id(inDescriptor content: [UInt8]) -> Int? {
        let key = Array("mnt_id:".utf8)
        return content.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: key) }.flatMap { line in
            Int(text(line.dropFirst(key.count)).filter { !$0.isWhitespace })
        }
    }

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, with any number of optional
    /// fields before the dash. What was mounted may be shown as nothing, between two blanks.
    private init?(parsing line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count > 6, let dash = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
            fields.count >= dash + 4, let id = Int(Self.text(fields[0])), let parent = Int(Self.text(fields[1]))
        else { return nil }
        self.init(
            id: id, parent: parent, deviceNumber: Self.text(fields[2]), root: Self.unescape(fields[3]),
            mountpoint: Self.unescape(fields[4]), options: Self.list(fields[5]),
            filesystem: Self.unescape(fields[dash + 1]), source: Self.unescape(fields[dash + 2]),
            superOptions: Self.list(fields[dash + 3]))
    }

    private static func list(_ field: ArraySlice<UInt8>) -> [String] {
        field.split(separator: UInt8(ascii: ",")).map(unescape)
    }

    /// The kernel writes blanks, tabs, line breaks and backslashes as `\040` and so on.
    static func unescape(_ field: ArraySlice<UInt8>) -> String {
        guard field.contains(UInt8(ascii: "\\")) else { return text(field) }
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let code = code(rest.prefix(3)) else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return text(bytes[...])
    }

    /// Three octal digits.
    private static func code(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 3, digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "7")).contains) else { return nil }
        return UInt8(exactly: digits.reduce(0) { $0 * 8 + Int($1 - UInt8(ascii: "0")) })
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
