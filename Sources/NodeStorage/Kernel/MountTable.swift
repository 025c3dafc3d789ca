import MountInfo

/// The mounts of a mount namespace, as `/proc/<pid>/mountinfo` lists them (proc(5)).
struct MountTable: Sendable, Hashable {
    typealias Entry = MountInfoLine

    var entries: [Entry]

    init(entries: [Entry]) { self.entries = entries }

    /// Lines that are not understood are left out.
    init(parsing text: String) { entries = MountInfoLine.all(in: Array(text.utf8)) }

    /// Reads the table of this process. Blocking.
    static func read(_ path: String = "/proc/self/mountinfo") throws -> MountTable {
        MountTable(entries: MountInfoLine.all(in: try SmallFile.bytes(of: path, limit: 16 << 20)))
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
