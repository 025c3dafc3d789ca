/// The mounts of a mount namespace, as `/proc/<pid>/mountinfo` lists them (proc(5)).
struct MountTable: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var id: Int
        var parent: Int
        /// `major:minor` of the filesystem's device.
        var deviceNumber: String
        /// Which folder of the filesystem is mounted; `/` but for bind mounts.
        var root: String
        var mountpoint: String
        var options: [String]
        var filesystem: String
        /// What was mounted: `/dev/rbd0`.
        var source: String
        var superOptions: [String]

        var isReadOnly: Bool { options.contains("ro") || superOptions.contains("ro") }
    }

    var entries: [Entry]

    /// Lines that are not understood are left out.
    init(parsing text: String) {
        entries = text.split(separator: "\n").compactMap(Entry.init(parsing:))
    }

    /// Reads the table of this process. Blocking.
    static func read(_ path: String = "/proc/self/mountinfo") throws -> MountTable {
        MountTable(parsing: try SmallFile.read(path, limit: 16 << 20))
    }

    /// The mount that is seen at the mountpoint: the topmost when several were stacked.
    func topmost(at mountpoint: String) -> Entry? {
        let stacked = entries.filter { $0.mountpoint == mountpoint }
        // What is mounted over another one has it as its parent.
        let covered = Set(stacked.map(\.parent))
        return stacked.last { !covered.contains($0.id) } ?? stacked.last
    }

    /// All mounts of the filesystem on the device `major:minor`.
    func mounts(ofDevice number: String) -> [Entry] { entries.filter { $0.deviceNumber == number } }
}

extension MountTable.Entry {
    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, with any number of optional
    /// fields before the dash.
    init?(parsing line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count >= 9, let dash = fields[6...].firstIndex(of: "-"), fields.count >= dash + 4 else {
            return nil
        }
        guard let id = Int(fields[0]), let parent = Int(fields[1]) else { return nil }
        self.init(
            id: id, parent: parent, deviceNumber: String(fields[2]), root: Self.unescape(fields[3]),
            mountpoint: Self.unescape(fields[4]), options: Self.list(fields[5]),
            filesystem: Self.unescape(fields[dash + 1]), source: Self.unescape(fields[dash + 2]),
            superOptions: Self.list(fields[dash + 3]))
    }

    private static func list(_ field: Substring) -> [String] { field.split(separator: ",").map(String.init) }

    /// The kernel writes blanks, tabs, line breaks and backslashes as `\040` and so on.
    static func unescape(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
