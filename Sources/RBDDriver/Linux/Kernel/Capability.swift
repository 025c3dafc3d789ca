/// A capability of Linux (capabilities(7)) that something here cannot do without.
enum Capability: UInt64, Sendable {
    /// What ext4 demands of those who grow it while it is mounted.
    case sysResource = 24

    var name: String {
        switch self {
        case .sysResource: "CAP_SYS_RESOURCE"
        }
    }

    /// Whether this process has it. Blocking.
    func isHeld() throws -> Bool { isHeld(in: try SmallFile.read("/proc/self/status")) }

    /// - Parameter status: the text of `/proc/<pid>/status`.
    func isHeld(in status: String) -> Bool {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let digits = line?.split(whereSeparator: \.isWhitespace).last, let held = UInt64(digits, radix: 16) else {
            return false
        }
        return held & (1 << rawValue) != 0
    }
}
